import { type CommandParser, defineScript } from "@redis/client";

/**
 * What Redis does in one piece, in its own language. Each answers first with Redis's time in microseconds, then with what it
 * was asked. None writes before all is decided, and the first write is the one that a Redis refuses that takes none: a script
 * is done as a whole, or not at all. They name keys that they were not given, so they need a Redis that is no cluster.
 */
const BEGIN = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local micros = clock[1] .. string.format('%06d', clock[2])
-- Lua would write a version as 1.7e+12.
local function text(number) return string.format('%.0f', number) end
`;

/** Needs KEYS[1], the store's hash, KEYS[2], the stream of changes, and \`limit\`, how many of them to keep. */
const APPEND = `
local function append(...)
  local position = text(redis.call('HINCRBY', KEYS[1], 'position', 1))
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', limit, position .. '-0', ...)
  return position
end
`;

/**
 * Begins, or goes on where a gateway stood: ARGV are its epoch, its position and the entry there (all empty where it has none),
 * a name for a new epoch, the lowest version that a change may have, and how many changes to keep.
 *
 * \`continued\`: all changes since are in the stream. \`missed\`: some are not any more. \`changed\`: another gateway has begun a
 * new epoch. \`renewed\`: this one has, because there was none, or because what the gateway has seen is gone.
 */
const ATTACH = `${BEGIN}
local limit = ARGV[6]
${APPEND}
local function state()
  local epoch = redis.call('HGET', KEYS[1], 'epoch')
  if not epoch then return 'renewed' end
  if ARGV[1] == '' then return 'missed' end
  if epoch ~= ARGV[1] then return 'changed' end
  local id = ARGV[2] .. '-0'
  local entry = redis.call('XRANGE', KEYS[2], id, id)[1]
  if entry then return table.concat(entry[2], ' ') == ARGV[3] and 'continued' or 'renewed' end
  local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  local isTrimmed = first and tonumber(string.match(first[1], '^%d+')) > tonumber(ARGV[2])
  return isTrimmed and 'missed' or 'renewed'
end
local found = state()
local floor = redis.call('HGET', KEYS[1], 'floor') or '0'
if found == 'renewed' then
  -- Positions grow even where the store is gone and the stream or a gateway's memory is not, or the other way round.
  local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
  local position = math.max(
    tonumber(redis.call('HGET', KEYS[1], 'position') or 0),
    last and tonumber(string.match(last[1], '^%d+')) or 0,
    tonumber(ARGV[2]) or 0)
  redis.call('HSET', KEYS[1], 'epoch', ARGV[4], 'position', text(position))
  append('epoch', ARGV[4])
end
if found ~= 'continued' and tonumber(ARGV[5]) > tonumber(floor) then redis.call('HSET', KEYS[1], 'floor', ARGV[5]) end
return { micros, found, redis.call('HGET', KEYS[1], 'epoch'), redis.call('HGET', KEYS[1], 'position') }
`;

/** Which epoch it is, and, where ARGV[1] asks for it, why nothing can be written. */
const CHECK = `${BEGIN}
local writeError = ''
if ARGV[1] == 'write' then
  local result = redis.pcall('HSET', KEYS[1], 'probe', text(now))
  if type(result) == 'table' and result.err then writeError = result.err end
end
return { micros, redis.call('HGET', KEYS[1], 'epoch') or '', writeError }
`;

/**
 * Changes an agent, whose hash is KEYS[3]; KEYS[4] is its customer's set of user ids.
 * ARGV: the epoch, the time after which nobody waits for it any more, how many changes to keep, customer, user id, a version
 * that the agent is known to have had, what to do, and the status, wrap-up seconds, seconds left and versions for that.
 */
const CHANGE = `${BEGIN}
local limit = ARGV[3]
${APPEND}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return { micros, 'epoch' } end
if now > tonumber(ARGV[2]) then return { micros, 'late' } end
local customer, user, operation, status, seconds = ARGV[4], ARGV[5], ARGV[7], ARGV[8], ARGV[9]
local kept = redis.pcall('HMGET', KEYS[3], 'version', 'updatedAt', 'status', 'wrapUpSeconds', 'wrapUpEndsAt')
if kept.err then return { micros, 'unreadable' } end
-- Whatever else stands in place of numbers is no version, and no wrap-up time.
if not tonumber(kept[1]) then kept[1] = '0' end
if not (tonumber(kept[4]) and tonumber(kept[5])) then kept[4], kept[5] = '', '' end
local isKnown = kept[3] and kept[3] ~= ''
local function answer(outcome, position)
  position = position or redis.call('HGET', KEYS[1], 'position')
  local row = { user, kept[1], kept[2] or '0', kept[3] or '', kept[4], kept[5] }
  return { micros, outcome, position, row }
end
local function keep(status, seconds, endsAt)
  local floor = tonumber(redis.call('HGET', KEYS[1], 'floor') or 0)
  local version = text(math.max(tonumber(kept[1]) + 1, tonumber(ARGV[6]) + 1, now, floor))
  kept = { version, text(now), status, seconds, endsAt }
  local position = append('customer', customer, 'userId', user, 'version', version, 'updatedAt', kept[2],
    'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
  redis.call('HSET', KEYS[3], 'version', version, 'updatedAt', kept[2],
    'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
  redis.call('SADD', KEYS[4], user)
  return answer('changed', position)
end
-- The same rule as isUnchanged() has, in this clock.
local function isUnchanged()
  if kept[3] ~= status or kept[4] ~= seconds then return false end
  if seconds == '' then return true end
  return math.abs(math.max(0, tonumber(kept[5]) - now) - ARGV[10] * 1000) < tonumber(ARGV[12])
end

if operation == 'remove' then
  if not isKnown then return answer('unchanged') end
  return keep('', '', '')
end
if operation == 'setStatus' then
  if not isKnown then return answer('unknown') end
  local isAllowed = ARGV[11] == '*' or string.find(ARGV[11], ',' .. kept[1] .. ',', 1, true)
  if not isAllowed then return answer('mismatch') end
  if kept[3] == status then return answer('unchanged') end
  return keep(status, kept[4], kept[5])
end
if isKnown and (operation == 'insertIfAbsent' or isUnchanged()) then return answer('unchanged') end
return keep(status, seconds, seconds == '' and '' or text(now + ARGV[10] * 1000))
`;

/** The user ids of a customer, from the set KEYS[2], in an epoch and at a position. */
const MEMBERS = `${BEGIN}
local store = redis.call('HMGET', KEYS[1], 'epoch', 'position')
return { micros, store[1] or '', store[2] or '0', redis.call('SMEMBERS', KEYS[2]) }
`;

/**
 * The agents of these user ids, as ARGV[2] and on name them; ARGV[1] is what the names of their hashes begin with. Of what is no
 * hash the id alone is told.
 */
const AGENTS = `${BEGIN}
local rows = {}
for index = 2, #ARGV do
  local key = ARGV[1] .. ARGV[index]
  local kept = redis.pcall('HMGET', key, 'version', 'updatedAt', 'status', 'wrapUpSeconds', 'wrapUpEndsAt')
  if kept.err then rows[#rows + 1] = { ARGV[index] }
  elseif kept[1] then rows[#rows + 1] = { ARGV[index], kept[1], kept[2], kept[3], kept[4], kept[5] } end
end
local store = redis.call('HMGET', KEYS[1], 'epoch', 'position')
return { micros, store[1] or '', store[2] or '0', rows }
`;

/**
 * Takes over what a gateway knows of agents wherever Redis knows less. KEYS[3] is the customer's set of user ids.
 * ARGV: how many changes to keep, customer, what the names of the agents' hashes begin with, and six values for each agent.
 */
const RESTORE = `${BEGIN}
local limit, customer, prefix = ARGV[1], ARGV[2], ARGV[3]
${APPEND}
local restored = 0
for index = 4, #ARGV, 6 do
  local user, version, updatedAt, status, seconds, endsAt = unpack(ARGV, index, index + 5)
  local key = prefix .. user
  local kept = redis.pcall('HGET', key, 'version')
  if type(kept) == 'table' then
    -- Whatever is there is left alone. That it is there is known.
    redis.call('SADD', KEYS[3], user)
  elseif (tonumber(kept) or 0) < tonumber(version) then
    append('customer', customer, 'userId', user, 'version', version, 'updatedAt', updatedAt,
      'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
    redis.call('HSET', key, 'version', version, 'updatedAt', updatedAt,
      'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
    redis.call('SADD', KEYS[3], user)
    restored = restored + 1
  end
end
return { micros, restored }
`;

/** Whether the owner ARGV[1] has the lease KEYS[1] now, and for ARGV[2] milliseconds from now on. */
const LEASE = `${BEGIN}
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return { micros, 1 }
end
return { micros, redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0 }
`;

/** How many owners the lease KEYS[1] has now: one or none. */
const IS_LEASED = `${BEGIN}
return { micros, redis.call('EXISTS', KEYS[1]) }
`;

/** Gives up the leases KEYS, where the owner ARGV[1] has them. */
const RELEASE = `${BEGIN}
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
return { micros }
`;

/** The scripts by the names that a client calls them by: each takes its keys and its arguments. */
export const SCRIPTS = {
  attach: toScript(ATTACH),
  check: toScript(CHECK),
  change: toScript(CHANGE),
  members: toScript(MEMBERS),
  agents: toScript(AGENTS),
  restore: toScript(RESTORE),
  lease: toScript(LEASE),
  isLeased: toScript(IS_LEASED),
  release: toScript(RELEASE),
};

function toScript(source: string) {
  return defineScript({
    SCRIPT: source,
    parseCommand(parser: CommandParser, keys: readonly string[], values: readonly string[]) {
      parser.pushKeysLength([...keys]);
      parser.push(...values);
    },
    transformReply: (reply: unknown) => reply,
  });
}
