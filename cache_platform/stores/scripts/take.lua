-- Sliding-window logs on the server's clock: in any half-open window (t - window, t] at most `limit` members of each.
-- A member is taken in all logs or in none; a refused request writes nothing. A member that is there already was taken
-- by this same request, whose answer was lost: it is sent again, and takes no second slot.
-- A log in shadow refuses nobody; while it is used up nothing is written into it.
-- With a guard, an entry that has to be good: nothing is written and 2 returned when it is not.
-- KEYS: log ..., then of the guard: entry, epoch, tag ...
-- ARGV: member, how many logs, of the guard: digest, whether it is strict, and how long a mark lasts or 0 where none is
-- needed; then for each log: limit, window in ms and 1 or 0 (in shadow or not).
-- Returns 1 or 0 (taken or not), then for each log: its members in the window, and ms until the next slot (0: now).
local now = now_ms()
local logs = tonumber(ARGV[2])
if #KEYS > logs then
  local strict, lasts = ARGV[4] == '1', tonumber(ARGV[5])
  local entry, head = good_entry(logs + 1, ARGV[3], strict, now)
  if not entry or string.match(entry, '^%d+ %d+ %d+ %d+ n\n', #head + 2) then return {2} end  -- n: "not found"
  if strict and lasts > 0 and not looked_at(KEYS[logs + 2], now, lasts) then return {2} end
end
local answer = {1}
for i = 1, logs do
  local limit, window = tonumber(ARGV[3 * i + 3]), tonumber(ARGV[3 * i + 4])
  local since = '(' .. (now - window)
  local ahead = redis.pcall('ZRANGEBYSCORE', KEYS[i], '(' .. now, '+inf')
  if ahead.err then  -- of another type: not ours
    redis.call('DEL', KEYS[i])
    ahead = {}
  end
  -- The server's clock was set back: what was admitted then counts as admitted now, and not until that time comes again.
  for _, member in ipairs(ahead) do redis.call('ZADD', KEYS[i], 'XX', now, member) end
  local count = redis.call('ZCOUNT', KEYS[i], since, '+inf')
  local wait = 0
  local mine = count >= limit and redis.call('ZSCORE', KEYS[i], ARGV[1])
  if count >= limit and not (mine and tonumber(mine) > now - window) then
    local first = redis.call('ZRANGEBYSCORE', KEYS[i], since, '+inf', 'WITHSCORES', 'LIMIT', count - limit, 1)
    wait = math.max(first[2] + window - now, 1)
    if ARGV[3 * i + 5] == '0' then answer[1] = 0 end
  end
  answer[2 * i], answer[2 * i + 1] = count, wait
end
if answer[1] == 1 then
  for i = 1, logs do
    if answer[2 * i + 1] == 0 then
      redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - ARGV[3 * i + 4])
      answer[2 * i] = answer[2 * i] + redis.call('ZADD', KEYS[i], 'NX', now, ARGV[1])
      redis.call('PEXPIRE', KEYS[i], ARGV[3 * i + 4])
    end
  end
end
return answer
