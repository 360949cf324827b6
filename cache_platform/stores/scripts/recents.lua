-- The newest loads of a policy, the newest first.
-- KEYS: their list   ARGV: how many
if redis.call('TYPE', KEYS[1]).ok ~= 'list' then return {} end
return redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
