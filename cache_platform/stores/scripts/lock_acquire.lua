-- Give a lock to whoever asks, if it is free and nobody who still waits came before. KEYS: lock, queue, seen
-- ARGV: owner, timeout ms, 1 to stand in the queue (0: try once), for how many ms a waiter counts that is not seen
-- Returns 0 when the owner has it, else its place in the queue, or the one that it would have.
local now, owner, patience = now_ms(), ARGV[1], tonumber(ARGV[4])

-- What is under a key of another type is not ours, nor is a lock that never ends.
local function asked(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then
    local _, key = ...
    redis.call('DEL', key)
    return redis.call(...)
  end
  return answer
end

local holder = get_string(KEYS[1])
if holder and redis.call('PTTL', KEYS[1]) < 0 then holder = false end

-- Whoever was not seen lately has died, or left without a word; a time to come is by a clock that was set back.
local function first_alive()
  while true do
    local first = asked('ZRANGE', KEYS[2], 0, 0)[1]
    if not first or first == owner then return first end
    local seen = tonumber(asked('ZSCORE', KEYS[3], first) or '')
    if seen and seen > now - patience and seen < now + patience then return first end
    redis.call('ZREM', KEYS[2], first)
    redis.call('ZREM', KEYS[3], first)
  end
end

local first = first_alive()
-- The owner's own: its question was sent again because the answer to the first was lost.
if holder == owner or (not holder and (not first or first == owner)) then
  redis.call('SET', KEYS[1], owner, 'PX', ARGV[2])
  redis.call('ZREM', KEYS[2], owner)
  asked('ZREM', KEYS[3], owner)
  return 0
end
if ARGV[3] ~= '1' then return redis.call('ZCARD', KEYS[2]) + 1 end
-- Places, not times: the server's clock may be set.
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
redis.call('ZADD', KEYS[2], 'NX', (last or 0) + 1, owner)
asked('ZADD', KEYS[3], now, owner)
redis.call('PEXPIRE', KEYS[2], patience)
redis.call('PEXPIRE', KEYS[3], patience)
return redis.call('ZRANK', KEYS[2], owner) + 1
