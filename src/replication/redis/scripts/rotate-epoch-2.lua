-- Has all nodes write anew what they know, because the log is not whole any more. Of several nodes that notice at
-- the same time, one does it.
--
-- KEYS[1]  string: epoch of the log
-- KEYS[2]  the log
-- ARGV[1]  the epoch that the node knows
-- ARGV[2]  the next one
-- ARGV[3]  1: what is in the log is worthless too
-- Returns  the epoch that is in force
local epoch = redis.call('get', KEYS[1])
if epoch and epoch ~= ARGV[1] then return epoch end
redis.call('set', KEYS[1], ARGV[2])
if ARGV[3] == '1' then redis.call('del', KEYS[2]) end
return ARGV[2]
