/** Lua scripts for changes of agents, each after the common preamble of all scripts. */

/** Requires KEYS[1], the store's hash, KEYS[2], the stream of changes, and `limit`, the number of changes to keep. */
export const APPEND = `
local function append(kind, name, ...)
  local position = text(redis.call('HINCRBY', KEYS[1], 'position', 1))
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', limit, position .. '-0', kind, name, ...)
  -- The positions that MEMBERS returns: of the epoch's start, and of each customer's last change.
  redis.call('HSET', KEYS[1], kind == 'customer' and 'last:' .. name or 'start', position)
  return position
end
`;

/** Decides if a read that began at `began` is older than the recorded read, which began at `recorded`. */
export const IS_OUTDATED = `
local function isOutdated(began, recorded)
  recorded = tonumber(recorded) or 0
  -- A time ahead of the clock was recorded before the clock was set back, and orders nothing any more.
  return recorded <= tonumber(micros) and tonumber(began) < recorded
end
`;

/**
 * Requires `append`, KEYS[3], the customer's set of user ids, and `epoch`, `latest`, the latest time of Redis for the
 * change, `customer`, and `tolerance`, that of wrap-up times.
 */
const AGENT = `
-- The reason for which nothing may be changed.
local function findObstacle()
  if redis.call('HGET', KEYS[1], 'epoch') ~= epoch then return 'epoch' end
  if now > tonumber(latest) then return 'late' end
end
-- Returns version, time of the change, status, wrap-up seconds, end of the wrap-up time, and start of the last read.
local function readAgent(key)
  local stored = redis.pcall('HMGET', key, 'version', 'updatedAt', 'status', 'wrapUpSeconds', 'wrapUpEndsAt', 'readAt')
  if stored.err then return nil end
  -- A value that is no number is neither a version nor a wrap-up time.
  if not tonumber(stored[1]) then stored[1] = '0' end
  if not (tonumber(stored[4]) and tonumber(stored[5])) then stored[4], stored[5] = '', '' end
  return stored
end
-- The rule of isUnchanged() in agent.ts, on the clock of Redis.
local function isUnchanged(stored, status, seconds, left)
  if stored[3] ~= status or stored[4] ~= seconds then return false end
  if seconds == '' then return true end
  return math.abs(math.max(0, tonumber(stored[5]) - now) - left * 1000) < tonumber(tolerance)
end
local function toEnd(seconds, left) return seconds == '' and '' or text(now + left * 1000) end
-- Returns what is stored then, and the position of the change. known: a version of the agent that a gateway has.
local function writeAgent(key, user, stored, known, status, seconds, endsAt)
  local floor = tonumber(redis.call('HGET', KEYS[1], 'floor') or 0)
  local version = text(math.max(tonumber(stored[1]) + 1, tonumber(known) + 1, now, floor))
  local written = { version, text(now), status, seconds, endsAt }
  local position = append('customer', customer, 'userId', user, 'version', version, 'updatedAt', written[2],
    'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
  redis.call('HSET', key, 'version', version, 'updatedAt', written[2],
    'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
  redis.call('SADD', KEYS[3], user)
  return written, position
end
`;

/**
 * Changes an agent. KEYS[3]: the customer's set of user ids. KEYS[4]: the agent's hash. ARGV: epoch, latest time of
 * Redis for the change, number of changes to keep, customer, the tolerance of wrap-up times, user id, a known version of the
 * agent, operation, and the operation's status, wrap-up seconds, remaining seconds and allowed versions, the time at which
 * the read of this state began, in microseconds on the clock of Redis, empty for a state that was not read, and the time at
 * which the gateway's session began, in milliseconds.
 */
export const CHANGE = `
local epoch, latest, limit, customer, tolerance = unpack(ARGV, 1, 5)
local user, known, operation, status, seconds, left, allowed, began, sessionBegan = unpack(ARGV, 6, 14)
${APPEND}${IS_OUTDATED}${AGENT}
local obstacle = findObstacle()
if obstacle then return { micros, obstacle } end
local stored = readAgent(KEYS[4])
if not stored then return { micros, 'unreadable' } end
local isKnown = stored[3] and stored[3] ~= ''
local function reply(outcome, position)
  position = position or redis.call('HGET', KEYS[1], 'position')
  local row = { user, stored[1], stored[2] or '0', stored[3] or '', stored[4], stored[5] }
  return { micros, outcome, position, row }
end
local function write(nextStatus, nextSeconds, endsAt)
  local position
  stored, position = writeAgent(KEYS[4], user, stored, known, nextStatus, nextSeconds, endsAt)
  return reply('changed', position)
end

if began ~= '' then
  if isOutdated(began, stored[6]) then return reply('unchanged') end
  redis.call('HSET', KEYS[4], 'readAt', began)
end
if operation == 'remove' then
  if not isKnown then return reply('unchanged') end
  return write('', '', '')
end
if operation == 'setStatus' then
  if not isKnown then return reply('unknown') end
  local isAllowed = allowed == '*' or string.find(allowed, ',' .. stored[1] .. ',', 1, true)
  if not isAllowed then return reply('mismatch') end
  -- Redis may have lost a later change before the session, and the gateway that has it restores it: the higher version
  -- counts, so a status of before the session is written with a new one.
  local isCertain = tonumber(stored[1]) >= tonumber(sessionBegan)
  if stored[3] == status and isCertain then return reply('unchanged') end
  return write(status, stored[4], stored[5])
end
if isKnown and (operation == 'insertIfAbsent' or isUnchanged(stored, status, seconds, left)) then return reply('unchanged') end
return write(status, seconds, toEnd(seconds, left))
`;

/**
 * Sets the states that a read of the upstream has found. KEYS[3]: the customer's set of user ids. From KEYS[4] on, the
 * agents' hashes. ARGV: the first five as for CHANGE, the time at which the read began, and for each agent user id, a known
 * version, status, wrap-up seconds and remaining seconds. Leaves out agents whose hashes cannot be read. Returns the position
 * at which the agents have the states.
 */
export const RECORD = `
local epoch, latest, limit, customer, tolerance, began = unpack(ARGV, 1, 6)
${APPEND}${IS_OUTDATED}${AGENT}
local obstacle = findObstacle()
if obstacle then return { micros, obstacle } end
for index = 4, #KEYS do
  local first = 5 * index - 13
  local user, known, status, seconds, left = unpack(ARGV, first, first + 4)
  local stored = readAgent(KEYS[index])
  if stored and not isOutdated(began, stored[6]) then
    redis.call('HSET', KEYS[index], 'readAt', began)
    if not isUnchanged(stored, status, seconds, left) then
      writeAgent(KEYS[index], user, stored, known, status, seconds, toEnd(seconds, left))
    end
  end
end
return { micros, 'recorded', redis.call('HGET', KEYS[1], 'position') or '0' }
`;
