-- Let a lock go, and leave its queue. KEYS: lock, queue, seen   ARGV: owner. Returns 1 when the owner had the lock.
redis.pcall('ZREM', KEYS[2], ARGV[1])
redis.pcall('ZREM', KEYS[3], ARGV[1])
if get_string(KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
