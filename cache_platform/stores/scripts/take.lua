-- Sliding-window logs on the server's clock: in any half-open window (t - window, t] at most `limit` members of each.
-- A member is taken in all logs or in none; a refused request writes nothing. A member that is there already was taken
-- by this same request, whose answer was lost: it is sent again, and takes no second slot.
-- A log in shadow refuses nobody; while it is used up nothing is written into it.
-- With a guard, an entry that has to be good: nothing is written and 2 returned when it is not.
-- KEYS: log ..., then of the guard: entry, epoch, tag ...
-- ARGV: member, how many logs, the guard's digest and whether it is strict, then for each log: limit, window in ms and
-- 1 or 0 (in shadow or not).
-- Returns 1 or 0 (taken or not), then for each log: its members in the window, and ms until the next slot (0: now).
local now = now_ms()
local logs = tonumber(ARGV[2])

-- What a lookup would find fresh, and more than "not found". Nothing is made up here: what is missing is not good.
local function good(first)
  local raw = redis.call('MGET', unpack(KEYS, first))
  local signature = {'E1', ARGV[3], ARGV[4] == '1' and raw[2] or '-'}
  for i = 3, #raw do
    if not generation_of(raw[i]) or #raw[i] ~= 16 then return false end  -- longer: it is held, or was when a writer died
    signature[#signature + 1] = raw[i]
  end
  local head = table.concat(signature, ' ') .. '\n'
  if not raw[1] or string.sub(raw[1], 1, #head) ~= head then return false end
  local fresh_until, codec = string.match(raw[1], '^%d+ %d+ (%d+) %d+ (%a)\n', #head + 1)
  return fresh_until and now < tonumber(fresh_until) and codec ~= 'n'
end

if #KEYS > logs and not good(logs + 1) then return {2} end
local answer = {1}
for i = 1, logs do
  local limit, window = tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  local since = '(' .. (now - window)
  local count = redis.pcall('ZCOUNT', KEYS[i], since, '+inf')
  if type(count) == 'table' then  -- of another type: not ours
    redis.call('DEL', KEYS[i])
    count = 0
  end
  local wait = 0
  local mine = count >= limit and redis.call('ZSCORE', KEYS[i], ARGV[1])
  if count >= limit and not (mine and tonumber(mine) > now - window) then
    local first = redis.call('ZRANGEBYSCORE', KEYS[i], since, '+inf', 'WITHSCORES', 'LIMIT', count - limit, 1)
    wait = math.max(first[2] + window - now, 1)
    if ARGV[3 * i + 4] == '0' then answer[1] = 0 end
  end
  answer[2 * i], answer[2 * i + 1] = count, wait
end
if answer[1] == 1 then
  for i = 1, logs do
    if answer[2 * i + 1] == 0 then
      redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - ARGV[3 * i + 3])
      answer[2 * i] = answer[2 * i] + redis.call('ZADD', KEYS[i], 'NX', now, ARGV[1])
      redis.call('PEXPIRE', KEYS[i], ARGV[3 * i + 3])
    end
  end
end
return answer
