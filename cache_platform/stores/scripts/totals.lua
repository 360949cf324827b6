-- The totals, names and amounts in turn; none of another server's (see add_counters.lua).
-- KEYS: totals
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {} end
local server = identity_of_server()
if server and redis.call('HGET', KEYS[1], 'server') ~= server then return {} end
return redis.call('HGETALL', KEYS[1])
