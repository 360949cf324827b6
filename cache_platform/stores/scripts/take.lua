-- Sliding-window logs on the server's clock: in any half-open window (t - window, t] at most `limit` members of each.
-- A member is taken in all logs or in none; a refused request writes nothing. A member that is there already was taken
-- by this same request, whose answer was lost: it is sent again, and takes no second slot.
-- KEYS: log ...   ARGV: member, then limit and window in ms for each key.
-- Returns 1 or 0 (taken or not), then for each log: its members in the window, and ms until the next slot (0: now).
local now = now_ms()
local answer = {1}
for i = 1, #KEYS do
  local limit, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local since = '(' .. (now - window)
  local count = redis.pcall('ZCOUNT', KEYS[i], since, '+inf')
  if type(count) == 'table' then  -- of another type: not ours
    redis.call('DEL', KEYS[i])
    count = 0
  end
  local wait = 0
  if count >= limit and not redis.call('ZSCORE', KEYS[i], ARGV[1]) then
    local first = redis.call('ZRANGEBYSCORE', KEYS[i], since, '+inf', 'WITHSCORES', 'LIMIT', count - limit, 1)
    wait = math.max(first[2] + window - now, 1)
    answer[1] = 0
  end
  answer[2 * i], answer[2 * i + 1] = count, wait
end
if answer[1] == 1 then
  for i = 1, #KEYS do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - ARGV[2 * i + 1])
    redis.call('ZADD', KEYS[i], 'NX', now, ARGV[1])
    redis.call('PEXPIRE', KEYS[i], ARGV[2 * i + 1])
    answer[2 * i] = redis.call('ZCARD', KEYS[i])
  end
end
return answer
