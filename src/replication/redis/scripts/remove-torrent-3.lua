-- Removes a torrent. Every node detects the change by the version.
--
-- KEYS[1]  hash: infohash in hex → description
-- KEYS[2]  hash: infohash in hex → file
-- KEYS[3]  hash: id and version
-- ARGV[1]  infohash in hex
-- Returns  1 removed, 0 not registered
redis.call('hdel', KEYS[2], ARGV[1])
local removed = redis.call('hdel', KEYS[1], ARGV[1])
redis.call('hincrby', KEYS[3], 'version', 1)
return removed
