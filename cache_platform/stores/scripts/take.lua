-- Sliding-window logs on the server's clock: in any half-open window (t - window, t] at most `limit` members of each.
-- A member is taken in all logs or in none; a refused request writes nothing. A member that is there already was taken
-- by this same request, whose answer was lost: it is sent again, and takes no second slot.
-- A log in shadow refuses nobody; while it is used up nothing is written into it.
-- KEYS: log ...   ARGV: member, then limit, window in ms and 1 or 0 (in shadow or not) for each key.
-- Returns 1 or 0 (taken or not), then for each log: its members in the window, and ms until the next slot (0: now).
local now = now_ms()
local answer = {1}
for i = 1, #KEYS do
  local limit, window = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
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
    if ARGV[3 * i + 1] == '0' then answer[1] = 0 end
  end
  answer[2 * i], answer[2 * i + 1] = count, wait
end
if answer[1] == 1 then
  for i = 1, #KEYS do
    if answer[2 * i + 1] == 0 then
      redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - ARGV[3 * i])
      redis.call('ZADD', KEYS[i], 'NX', now, ARGV[1])
      redis.call('PEXPIRE', KEYS[i], ARGV[3 * i])
      answer[2 * i] = redis.call('ZCARD', KEYS[i])
    end
  end
end
return answer
