-- A sliding-window log per key, on the server's clock: at most `limit` members in any window.
-- KEYS: log ...   ARGV: member, then limit and window ms for each key.   Refused loads write nothing.
local now = now_ms()
local wait = 0
for i = 1, #KEYS do
  local limit, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local pruned = redis.pcall('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - window)
  if type(pruned) == 'table' and pruned.err then redis.call('DEL', KEYS[i]) end
  local count = redis.call('ZCARD', KEYS[i])
  if count >= limit then
    local first = redis.call('ZRANGE', KEYS[i], count - limit, count - limit, 'WITHSCORES')
    wait = math.max(wait, first[2] + window - now, 1)
  end
end
if wait > 0 then return wait end
for i = 1, #KEYS do
  redis.call('ZADD', KEYS[i], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[i], ARGV[2 * i + 1])
end
return 0
