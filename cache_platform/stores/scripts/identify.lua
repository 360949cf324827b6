-- Write path, step 6: is this the server that the strict entries were stored on, in an unbroken line?
-- KEYS: epoch, identity   ARGV: random
-- A restart, from a snapshot or empty, has another run_id; a replica that became the primary has both of its own.
-- A server that does not name itself is another one each time: misses, rather than entries from before a write.
local identity = identity_of_server()
local before = get_string(KEYS[2])
if identity and before == identity then return 0 end
new_epoch(KEYS[1], KEYS[2], identity, ARGV[1])
return before and 2 or 1
