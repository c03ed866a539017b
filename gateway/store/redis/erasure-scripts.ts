/**
 * Lua scripts of an erasure, to run after the preamble of all scripts. An erasure runs in this order: `BEGIN_ERASURE`,
 * `ERASE_AGENTS` for a few hundred agents at a time, `FINISH_ERASURE`, `TRIM_CHANGES`. Any step can be repeated.
 *
 * Everything up to one version is erased. The store's lowest version rises above it, so that an agent that is created
 * meanwhile or later is kept, with a version that readers take for a newer one. No user id stays behind.
 */

/**
 * KEYS: the store's hash, and the customer's mark. ARGV: the epoch, the highest known version of the customer, and the
 * milliseconds after which the mark expires. Returns the version up to which the erasure erases.
 */
export const BEGIN_ERASURE = `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return { micros, 'epoch' } end
local version = math.max(
  now,
  tonumber(redis.call('HGET', KEYS[1], 'floor') or 0),
  tonumber(redis.call('GET', KEYS[2]) or 0),
  tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'floor', text(version + 1))
redis.call('SET', KEYS[2], text(version), 'PX', ARGV[3])
return { micros, 'done', text(version) }
`;

/**
 * KEYS: the store's hash, the stream of changes, the customer's set of user ids, and the hashes of the agents. ARGV: the
 * epoch, the customer, the number of changes to keep, the erasure's version, `announced` if subscribers are sent each
 * removal, and the user ids of the agents. Returns the user ids that were known.
 */
export const ERASE_AGENTS = `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return { micros, 'epoch' } end
local customer, limit, version, isAnnounced = ARGV[2], ARGV[3], ARGV[4], ARGV[5] == 'announced'
local erased = {}
for index = 4, #KEYS do
  local user = ARGV[index + 2]
  local stored = redis.pcall('HGET', KEYS[index], 'version')
  -- A higher version was written after the erasure began.
  local isNewer = type(stored) == 'string' and (tonumber(stored) or 0) > tonumber(version)
  if not isNewer then
    local isMember = redis.call('SREM', KEYS[3], user) == 1
    if redis.call('DEL', KEYS[index]) == 1 or isMember then erased[#erased + 1] = user end
    if isAnnounced then
      local position = text(redis.call('HINCRBY', KEYS[1], 'position', 1))
      redis.call('XADD', KEYS[2], 'MAXLEN', '~', limit, position .. '-0', 'customer', customer, 'userId', user,
        'version', version, 'updatedAt', '0', 'status', '', 'wrapUpSeconds', '', 'wrapUpEndsAt', '')
      redis.call('HSET', KEYS[1], 'last:' .. customer, position)
    end
  end
end
return { micros, 'done', erased }
`;

/**
 * KEYS: the store's hash, the stream of changes, the state of the upstream's list, the times at which lists are late, and
 * the summaries of the lists. ARGV: the epoch, the customer, the number of changes to keep, the erasure's version and its scope. Returns the position of the erasure.
 */
export const FINISH_ERASURE = `
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return { micros, 'epoch' } end
local position = text(redis.call('HINCRBY', KEYS[1], 'position', 1))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], position .. '-0',
  'erased', ARGV[2], 'version', ARGV[4], 'scope', ARGV[5])
redis.call('HSET', KEYS[1], 'last:' .. ARGV[2], position)
if ARGV[5] == 'all' then
  redis.call('DEL', KEYS[3])
  redis.call('ZREM', KEYS[4], ARGV[2])
  redis.call('HDEL', KEYS[5], ARGV[2])
end
return { micros, 'done', position }
`;

/** Removes the changes before the position ARGV[1] from the stream KEYS[1]. */
export const TRIM_CHANGES = `
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[1] .. '-0')
return { micros }
`;

/**
 * Marks an erasure that Redis may have lost. KEYS and the last argument as of BEGIN_ERASURE. ARGV[1]: the erasure's
 * version. Returns the version of the former mark; 0 without a mark.
 */
export const MARK_ERASED = `
local former = tonumber(redis.call('GET', KEYS[2]) or 0)
local version = tonumber(ARGV[1])
if former >= version then return { micros, text(former) } end
if tonumber(redis.call('HGET', KEYS[1], 'floor') or 0) <= version then
  redis.call('HSET', KEYS[1], 'floor', text(version + 1))
end
redis.call('SET', KEYS[2], text(version), 'PX', ARGV[2])
return { micros, text(former) }
`;
