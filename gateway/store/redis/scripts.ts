import { type CommandParser, defineScript } from "@redis/client";
import { BEGIN_ERASURE, ERASE_AGENTS, FINISH_ERASURE, MARK_ERASED, TRIM_CHANGES } from "./erasure-scripts.ts";
import {
  ADD_POLLED,
  ANNOUNCE,
  BLOCK_SLOTS,
  GIVE_SLOT_BACK,
  POLLED,
  RECORD_LIST_FAILURE,
  RECORD_PAGE,
  TAKE_SLOT,
  WITHDRAW,
} from "./poll-scripts.ts";
import {
  ERASE_REMOVED,
  FIND_UNSERVED,
  FORGET_CUSTOMER,
  IS_KNOWN,
  RECORD_SERVED,
  TRIM_OUTDATED,
} from "./retention-scripts.ts";

/**
 * Lua scripts, run atomically by Redis. Every reply starts with the time of Redis in microseconds.
 *
 * A script decides first and writes last, and a read-only or full Redis rejects the first write. So a script makes
 * either all of its changes or no change. `KEYS` has every key that a script uses, as a Redis Cluster demands.
 */
const PREAMBLE = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local micros = clock[1] .. string.format('%06d', clock[2])
-- Lua would write a version as 1.7e+12.
local function text(number) return string.format('%.0f', number) end
`;

/** Requires KEYS[1], the store's hash, KEYS[2], the stream of changes, and `limit`, the number of changes to keep. */
const APPEND = `
local function append(kind, name, ...)
  local position = text(redis.call('HINCRBY', KEYS[1], 'position', 1))
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', limit, position .. '-0', kind, name, ...)
  -- The positions that MEMBERS returns: of the epoch's start, and of each customer's last change.
  redis.call('HSET', KEYS[1], kind == 'customer' and 'last:' .. name or 'start', position)
  return position
end
`;

/**
 * Attaches a gateway. ARGV: the gateway's epoch, position and entry at the position (empty at first), a name for a new
 * epoch, the lowest version of a new change, and the number of changes to keep.
 *
 * Replies: `continued` if the stream has every change since; `missed` if changes are trimmed; `changed` if another
 * gateway has started a new epoch; `renewed` if the call has started a new epoch, because no epoch existed or because
 * changes seen by the gateway are lost.
 */
const ATTACH = `${PREAMBLE}
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
  -- Positions must grow even if only the store, the stream or the gateway's memory is left.
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

/** Tries a write. Returns the epoch and the error with which Redis rejects the write; empty if Redis accepts it. */
const CHECK = `${PREAMBLE}
local writeError = ''
local result = redis.pcall('HSET', KEYS[1], 'probe', text(now))
if type(result) == 'table' and result.err then writeError = result.err end
return { micros, redis.call('HGET', KEYS[1], 'epoch') or '', writeError }
`;

/** Decides if a read that began at `began` is older than the recorded read, which began at `recorded`. */
const IS_OUTDATED = `
local function isOutdated(began, recorded)
  recorded = tonumber(recorded) or 0
  -- A time ahead of the clock was recorded before the clock was set back, and orders nothing any more.
  return recorded <= tonumber(micros) and tonumber(began) < recorded
end
`;

/**
 * Changes an agent. KEYS[3]: the agent's hash. KEYS[4]: the customer's set of user ids. ARGV: epoch, latest time of
 * Redis for the change, number of changes to keep, customer, user id, a known version of the agent, operation, and the
 * operation's status, wrap-up seconds, remaining seconds and allowed versions, the tolerance of wrap-up times, the time at
 * which the read of this state began, in microseconds on the clock of Redis, empty for a state that was not read, and the
 * time at which the gateway's session began, in milliseconds.
 */
const CHANGE = `${PREAMBLE}
local limit = ARGV[3]
${APPEND}${IS_OUTDATED}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return { micros, 'epoch' } end
if now > tonumber(ARGV[2]) then return { micros, 'late' } end
local customer, user, operation, status, seconds = ARGV[4], ARGV[5], ARGV[7], ARGV[8], ARGV[9]
local stored = redis.pcall('HMGET', KEYS[3], 'version', 'updatedAt', 'status', 'wrapUpSeconds', 'wrapUpEndsAt', 'readAt')
if stored.err then return { micros, 'unreadable' } end
-- A value that is no number is neither a version nor a wrap-up time.
if not tonumber(stored[1]) then stored[1] = '0' end
if not (tonumber(stored[4]) and tonumber(stored[5])) then stored[4], stored[5] = '', '' end
local isKnown = stored[3] and stored[3] ~= ''
local function reply(outcome, position)
  position = position or redis.call('HGET', KEYS[1], 'position')
  local row = { user, stored[1], stored[2] or '0', stored[3] or '', stored[4], stored[5] }
  return { micros, outcome, position, row }
end
local function write(status, seconds, endsAt)
  local floor = tonumber(redis.call('HGET', KEYS[1], 'floor') or 0)
  local version = text(math.max(tonumber(stored[1]) + 1, tonumber(ARGV[6]) + 1, now, floor))
  stored = { version, text(now), status, seconds, endsAt }
  local position = append('customer', customer, 'userId', user, 'version', version, 'updatedAt', stored[2],
    'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
  redis.call('HSET', KEYS[3], 'version', version, 'updatedAt', stored[2],
    'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
  redis.call('SADD', KEYS[4], user)
  return reply('changed', position)
end
-- The rule of isUnchanged() in agent.ts, on the clock of Redis.
local function isUnchanged()
  if stored[3] ~= status or stored[4] ~= seconds then return false end
  if seconds == '' then return true end
  return math.abs(math.max(0, tonumber(stored[5]) - now) - ARGV[10] * 1000) < tonumber(ARGV[12])
end

if ARGV[13] ~= '' then
  if isOutdated(ARGV[13], stored[6]) then return reply('unchanged') end
  redis.call('HSET', KEYS[3], 'readAt', ARGV[13])
end
if operation == 'remove' then
  if not isKnown then return reply('unchanged') end
  return write('', '', '')
end
if operation == 'setStatus' then
  if not isKnown then return reply('unknown') end
  local isAllowed = ARGV[11] == '*' or string.find(ARGV[11], ',' .. stored[1] .. ',', 1, true)
  if not isAllowed then return reply('mismatch') end
  -- Redis may have lost a later change before the session, and the gateway that has it restores it: the higher version
  -- counts, so a status of before the session is written with a new one.
  local isCertain = tonumber(stored[1]) >= tonumber(ARGV[14])
  if stored[3] == status and isCertain then return reply('unchanged') end
  return write(status, stored[4], stored[5])
end
if isKnown and (operation == 'insertIfAbsent' or isUnchanged()) then return reply('unchanged') end
return write(status, seconds, seconds == '' and '' or text(now + ARGV[10] * 1000))
`;

/** Returns the time, at which a read of the upstream may begin, and the position of the last change. */
const NOW = `${PREAMBLE}
return { micros, micros, redis.call('HGET', KEYS[1], 'position') or '0' }
`;

/**
 * Records a read that found agents unchanged. KEYS: from the second on, the agents' hashes. ARGV: the time at which the
 * read began, and for each agent the user id and the version that the gateway has. Returns the user ids of agents with
 * another version, which the gateway must compare again, and the position at which they have it.
 */
const CONFIRM = `${PREAMBLE}${IS_OUTDATED}
local changed = {}
for index = 2, #KEYS do
  local user, version = ARGV[2 * index - 2], ARGV[2 * index - 1]
  local stored = redis.pcall('HMGET', KEYS[index], 'version', 'readAt')
  if stored.err or stored[1] ~= version then changed[#changed + 1] = user
  elseif not isOutdated(ARGV[1], stored[2]) then redis.call('HSET', KEYS[index], 'readAt', ARGV[1]) end
end
return { micros, redis.call('HGET', KEYS[1], 'position') or '0', changed }
`;

/** Returns the fields and values of the hash KEYS[1]. */
const LIST_STATE = `${PREAMBLE}
return { micros, micros, redis.call('HGETALL', KEYS[1]) }
`;

/**
 * Returns the user ids of the customer ARGV[1], from the set KEYS[2], with epoch, position and the position of the
 * customer's last change. Without a change in the epoch, that is the epoch's start.
 */
const MEMBERS = `${PREAMBLE}
local store = redis.call('HMGET', KEYS[1], 'epoch', 'position', 'start', 'last:' .. ARGV[1])
local last = store[2] or '0'
if store[3] or store[4] then last = text(math.max(tonumber(store[3] or 0), tonumber(store[4] or 0))) end
return { micros, store[1] or '', store[2] or '0', redis.call('SMEMBERS', KEYS[2]), last }
`;

/**
 * Returns the agents with the user ids ARGV. KEYS: from the second on, their hashes in the same order. For a key that is no
 * hash, the row contains only the id.
 */
const AGENTS = `${PREAMBLE}
local rows = {}
for index, user in ipairs(ARGV) do
  local stored = redis.pcall('HMGET', KEYS[index + 1], 'version', 'updatedAt', 'status', 'wrapUpSeconds', 'wrapUpEndsAt')
  if stored.err then rows[#rows + 1] = { user }
  elseif stored[1] then rows[#rows + 1] = { user, stored[1], stored[2], stored[3], stored[4], stored[5] } end
end
local store = redis.call('HMGET', KEYS[1], 'epoch', 'position')
return { micros, store[1] or '', store[2] or '0', rows }
`;

/**
 * Restores a gateway's agents if missing in Redis or present with a lower version. KEYS[3]: the customer's set of user
 * ids. KEYS[4]: the version up to which the customer's agents were erased, which are not restored. From KEYS[5] on, the
 * agents' hashes. ARGV: number of changes to keep, customer, and six values for each agent.
 *
 * The time at which the last read of an agent began is lost. The present time takes its place: the agent may come from a
 * later read than the reads that are still on their way.
 */
const RESTORE = `${PREAMBLE}
local limit, customer = ARGV[1], ARGV[2]
${APPEND}
local erased = tonumber(redis.call('GET', KEYS[4]) or 0)
local restored = 0
for index = 5, #KEYS do
  local key, first = KEYS[index], 6 * index - 27
  local user, version, updatedAt, status, seconds, endsAt = unpack(ARGV, first, first + 5)
  local stored = redis.pcall('HGET', key, 'version')
  if type(stored) == 'table' then
    -- Leave an unreadable key as it is, but list the user id.
    redis.call('SADD', KEYS[3], user)
  elseif (tonumber(stored) or 0) < tonumber(version) and (stored or tonumber(version) > erased) then
    append('customer', customer, 'userId', user, 'version', version, 'updatedAt', updatedAt,
      'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt)
    redis.call('HSET', key, 'version', version, 'updatedAt', updatedAt,
      'status', status, 'wrapUpSeconds', seconds, 'wrapUpEndsAt', endsAt, 'readAt', micros)
    redis.call('SADD', KEYS[3], user)
    restored = restored + 1
  end
end
return { micros, restored }
`;

/** Acquires or extends the lease KEYS[1] for the owner ARGV[1], for ARGV[2] milliseconds. Returns 1 on success. */
const LEASE = `${PREAMBLE}
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return { micros, 1 }
end
return { micros, redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0 }
`;

/** Releases the leases KEYS, as far as the owner ARGV[1] holds them. */
const RELEASE = `${PREAMBLE}
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
return { micros }
`;

/** Scripts by name, for clients to call with keys and arguments. */
export const SCRIPTS = {
  attach: toScript(ATTACH),
  check: toScript(CHECK),
  change: toScript(CHANGE),
  now: toScript(NOW),
  confirm: toScript(CONFIRM),
  recordPage: toScript(`${PREAMBLE}${IS_OUTDATED}${RECORD_PAGE}`),
  recordListFailure: toScript(`${PREAMBLE}${RECORD_LIST_FAILURE}`),
  listState: toScript(LIST_STATE),
  members: toScript(MEMBERS),
  agents: toScript(AGENTS),
  restore: toScript(RESTORE),
  lease: toScript(LEASE),
  release: toScript(RELEASE),
  takeSlot: toScript(`${PREAMBLE}${TAKE_SLOT}`),
  giveSlotBack: toScript(`${PREAMBLE}${GIVE_SLOT_BACK}`),
  blockSlots: toScript(`${PREAMBLE}${BLOCK_SLOTS}`),
  announce: toScript(`${PREAMBLE}${ANNOUNCE}`),
  withdraw: toScript(`${PREAMBLE}${WITHDRAW}`),
  addPolled: toScript(`${PREAMBLE}${ADD_POLLED}`),
  polledCustomers: toScript(`${PREAMBLE}${POLLED}`),
  beginErasure: toScript(PREAMBLE + BEGIN_ERASURE),
  eraseAgents: toScript(PREAMBLE + ERASE_AGENTS),
  finishErasure: toScript(PREAMBLE + FINISH_ERASURE),
  recordServed: toScript(PREAMBLE + RECORD_SERVED),
  eraseRemoved: toScript(PREAMBLE + ERASE_REMOVED),
  findUnserved: toScript(PREAMBLE + FIND_UNSERVED),
  forgetCustomer: toScript(PREAMBLE + FORGET_CUSTOMER),
  isKnown: toScript(PREAMBLE + IS_KNOWN),
  trimOutdated: toScript(PREAMBLE + TRIM_OUTDATED),
  markErased: toScript(PREAMBLE + MARK_ERASED),
  trimChanges: toScript(PREAMBLE + TRIM_CHANGES),
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
