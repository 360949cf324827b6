-- Give a lease back without an entry.
-- KEYS: lease   ARGV: token, verdict ('-', 'B' or 'N'), milliseconds, failures, how long failures are remembered
local lease = get_string(KEYS[1])
if not lease or string.sub(lease, 1, #ARGV[1] + 2) ~= 'L ' .. ARGV[1] then return 0 end
if ARGV[2] == 'B' then
  local value = string.format('B %.0f %s', now_ms() + tonumber(ARGV[3]), ARGV[4])
  redis.call('SET', KEYS[1], value, 'PX', ARGV[3] + ARGV[5])
elseif ARGV[2] == 'N' then
  redis.call('SET', KEYS[1], 'N 0 0', 'PX', ARGV[3])
else
  redis.call('DEL', KEYS[1])
end
return 1
