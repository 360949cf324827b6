-- Add counters to the current minute's, five minutes' and hour's bucket and to the totals, and newest loads to their
-- lists, once per batch.
-- KEYS: the process's newest batch, prefix of the buckets (its braces keep all of them in one slot)
-- ARGV: keep s of minutes and fives, of hours, batch, newest loads kept, for how many s, words of counters, then name and amount
--   of each counter, then policy and text of each load, the oldest first
local newest = tonumber(get_string(KEYS[1]) or 0)
if newest and newest >= tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[2])
local seconds = redis.call('TIME')[1]
local minute = string.format('%s:m:%.0f', KEYS[2], math.floor(seconds / 60))
local five = string.format('%s:f:%.0f', KEYS[2], math.floor(seconds / 300))
local hour = string.format('%s:h:%.0f', KEYS[2], math.floor(seconds / 3600))
local total = KEYS[2] .. ':total'
for _, bucket in ipairs({minute, five, hour, total}) do
  if redis.call('TYPE', bucket).ok ~= 'hash' then redis.call('DEL', bucket) end
end
-- Totals of another server, as after a restart from a snapshot, would go back by a little, and be taken for so much
-- counted anew: they begin at 0, which is understood.
local server = identity_of_server()
if server and redis.call('HGET', total, 'server') ~= server then
  redis.call('DEL', total)
  redis.call('HSET', total, 'server', server)
end
local loads = 7 + tonumber(ARGV[6])
for _, bucket in ipairs({minute, five, hour, total}) do
  for i = 7, loads - 1, 2 do
    local added = redis.pcall('HINCRBY', bucket, ARGV[i], ARGV[i + 1])
    if type(added) == 'table' and added.err then redis.call('HSET', bucket, ARGV[i], ARGV[i + 1]) end
  end
end
redis.call('EXPIRE', minute, ARGV[1])
redis.call('EXPIRE', five, ARGV[1])
redis.call('EXPIRE', hour, ARGV[2])
for i = loads, #ARGV, 2 do
  local list = KEYS[2] .. ':recent:' .. ARGV[i]
  if redis.call('TYPE', list).ok ~= 'list' then redis.call('DEL', list) end
  redis.call('LPUSH', list, ARGV[i + 1])
  redis.call('LTRIM', list, 0, ARGV[4] - 1)
  redis.call('EXPIRE', list, ARGV[5])
end
return 1
