-- Add counters to the current minute's and hour's bucket, once per batch.
-- KEYS: the process's newest batch, prefix of the buckets (its braces keep all of them in one slot)
-- ARGV: minute keep s, hour keep s, batch, then name and amount ...
local newest = redis.call('GET', KEYS[1])
if newest and tonumber(newest) >= tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2])
local seconds = redis.call('TIME')[1]
local minute = string.format('%s:m:%.0f', KEYS[2], math.floor(seconds / 60))
local hour = string.format('%s:h:%.0f', KEYS[2], math.floor(seconds / 3600))
for i = 4, #ARGV, 2 do
  redis.call('HINCRBY', minute, ARGV[i], ARGV[i + 1])
  redis.call('HINCRBY', hour, ARGV[i], ARGV[i + 1])
end
redis.call('EXPIRE', minute, ARGV[1])
redis.call('EXPIRE', hour, ARGV[2])
return 1
