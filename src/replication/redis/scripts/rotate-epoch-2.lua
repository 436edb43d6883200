-- Starts another epoch, because the log is incomplete: all nodes then write their state again. Where several nodes call it
-- at the same time, one of them succeeds.
--
-- KEYS[1]  string: epoch of the log
-- KEYS[2]  the log
-- ARGV[1]  the epoch that the node follows
-- ARGV[2]  the next one
-- ARGV[3]  1: delete the entries of the log too
-- Returns  the current epoch
local epoch = redis.call('get', KEYS[1])
if epoch and epoch ~= ARGV[1] then return epoch end
redis.call('set', KEYS[1], ARGV[2])
if ARGV[3] == '1' then redis.call('del', KEYS[2]) end
return ARGV[2]
