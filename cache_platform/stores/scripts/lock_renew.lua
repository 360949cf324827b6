-- Prolong a lock for its owner. KEYS: lock   ARGV: owner, timeout ms, 1 to take it also where nobody has it
local holder = get_string(KEYS[1])
if holder and redis.call('PTTL', KEYS[1]) < 0 then holder = false end  -- one that never ends is not ours
if holder == ARGV[1] or (not holder and ARGV[3] == '1') then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
