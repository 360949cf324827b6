-- Add counters to the current minute's and hour's bucket and to the totals, once per batch.
-- KEYS: the process's newest batch, prefix of the buckets (its braces keep all of them in one slot)
-- ARGV: minute keep s, hour keep s, batch, then name and amount ...
local newest = tonumber(get_string(KEYS[1]) or 0)
if newest and newest >= tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2])
local seconds = redis.call('TIME')[1]
local minute = string.format('%s:m:%.0f', KEYS[2], math.floor(seconds / 60))
local hour = string.format('%s:h:%.0f', KEYS[2], math.floor(seconds / 3600))
for _, bucket in ipairs({minute, hour, KEYS[2] .. ':total'}) do
  if redis.call('TYPE', bucket).ok ~= 'hash' then redis.call('DEL', bucket) end
  for i = 4, #ARGV, 2 do
    local added = redis.pcall('HINCRBY', bucket, ARGV[i], ARGV[i + 1])
    if type(added) == 'table' and added.err then redis.call('HSET', bucket, ARGV[i], ARGV[i + 1]) end
  end
end
redis.call('EXPIRE', minute, ARGV[1])
redis.call('EXPIRE', hour, ARGV[2])
return 1
