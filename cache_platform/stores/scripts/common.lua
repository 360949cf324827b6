-- Put in front of every script of this folder.
-- A tag's value: "<generation>" or "<generation> <token>:<deadline> <token>:<deadline> ...".

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- The string under a key. A key of another type is not ours: it goes, rather than fail every script that meets it.
local function get_string(key)
  local value = redis.pcall('GET', key)
  if type(value) == 'table' and value.err then
    redis.call('DEL', key)
    return false
  end
  return value
end

-- A generation from the caller's 64 random bits and this moment. redis-py sends a script again when its connection
-- broke before the answer came: a second run must not bring back the generation of the first.
local function made_up(random)
  local t = redis.call('TIME')
  return string.sub(redis.sha1hex(random .. t[1] .. ':' .. t[2]), 1, 16)
end

-- What is not a generation of ours counts as missing.
local function generation_of(value)
  local generation = value and string.match(value, '^%x+')
  return generation and #generation == 16 and generation or false
end

-- The generation, the holders still in time (without `drop`), and whether a holder's deadline has passed.
local function parse_tag(value, now, drop)
  local generation = generation_of(value)
  local holders, lapsed = {}, false
  for token, deadline in string.gmatch(value, ' (%x+):(%d+)') do
    if tonumber(deadline) <= now then
      lapsed = true
    elseif token ~= drop then
      holders[#holders + 1] = token .. ':' .. deadline
    end
  end
  return generation, holders, lapsed
end

local function write_tag(key, generation, holders, at_least)
  local left = redis.call('PTTL', key)
  if left < at_least then left = at_least end
  local value = generation
  for _, holder in ipairs(holders) do value = value .. ' ' .. holder end
  redis.call('SET', key, value, 'PX', left)
end

-- Both of a server's names, or nothing when it does not tell them.
local function identity_of_server()
  local run_id = string.match(redis.call('INFO', 'server'), '\nrun_id:(%x+)')
  return run_id and run_id .. ' ' .. (string.match(redis.call('INFO', 'replication'), '\nmaster_replid:(%x+)') or '-')
end

-- The epoch goes first: a server that dies between the two is asked again.
local function new_epoch(epoch_key, identity_key, identity, random)
  local epoch = made_up(random)
  redis.call('DEL', (string.gsub(epoch_key, 'epoch$', 'looked')))  -- by another server's clock
  redis.call('SET', epoch_key, epoch)
  if identity then redis.call('SET', identity_key, identity) end
  return epoch
end

-- The entry at KEYS[first], with the epoch and its tags behind it, if it is fresh and none of its tags is held; else
-- false. Nothing is made up here: a generation that is missing makes it no good.
local function good_entry(first, digest, strict, now)
  local raw = redis.call('MGET', unpack(KEYS, first))
  local signature = {'E1', digest, strict and raw[2] or '-'}
  for i = 3, #raw do
    -- Longer than a generation: the tag is held, or was when a writer died.
    if not generation_of(raw[i]) or #raw[i] ~= 16 then return false end
    signature[#signature + 1] = raw[i]
  end
  local head = table.concat(signature, ' ')
  if not raw[1] or string.sub(raw[1], 1, #head + 1) ~= head .. '\n' then return false end
  local fresh_until = tonumber(string.match(raw[1], '^%d+ %d+ (%d+) ', #head + 2) or '')
  return fresh_until and now < fresh_until and raw[1], head
end

-- Whether somebody has looked at the outbox lately: without that, an entry may be older than a write that could not say
-- so (see trust.py). The mark's value tells when the look began: its own end would be far away after the clock was set
-- back.
local function looked_at(epoch_key, now, lasts)
  local began = tonumber(get_string((string.gsub(epoch_key, 'epoch$', 'looked'))) or '')
  return began and began <= now and now - began < lasts
end

-- The signature of the tags from KEYS[first] on, and whether one is held. `raw` holds the values, at KEYS' places.
local function current(raw, first, digest, strict, random, now, tag_ms)
  local epoch = '-'
  if strict then
    epoch = raw[first - 1]
    if not epoch then
      -- Gone with all else, in a flush: made here, so it is this server's, and no new connection needs another.
      local identity_key = string.gsub(KEYS[first - 1], 'epoch$', 'identity')
      epoch = new_epoch(KEYS[first - 1], identity_key, identity_of_server(), random)
    end
  end
  local held = false
  local signature = {'E1', digest, epoch}
  for i = first, #KEYS do
    local value = raw[i]
    local generation = generation_of(value)
    if not generation then
      generation = made_up(random)
      redis.call('SET', KEYS[i], generation, 'PX', tag_ms)
    elseif string.find(value, ' ', 1, true) then
      local holders, lapsed
      generation, holders, lapsed = parse_tag(value, now, '')
      if lapsed then
        -- Its writer died between hold and bump: whether it committed is unknown, so the generation goes.
        generation = made_up(random)
        write_tag(KEYS[i], generation, holders, tag_ms)
      end
      held = held or #holders > 0
    end
    signature[#signature + 1] = generation
  end
  return table.concat(signature, ' '), held
end
