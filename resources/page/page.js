'use strict';

/** Milliseconds between two looks, and after one that failed. */
const pause = { look: 2000, failed: 5000 };
const kept = { token: 'homeostat-token', name: 'homeostat-name' };

const byId = (id) => document.getElementById(id);
let token = sessionStorage.getItem(kept.token) ?? '';
let timer;
/** What each part of the page was made from, so that only what has changed is made anew. */
const shown = new Map();

/** An element; every text is set as text, never as HTML. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (key === 'onclick') element.addEventListener('click', value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== ''));
  return element;
}

function time(iso) {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  const text = today ? at.toLocaleTimeString() : at.toLocaleString();
  return make('time', { datetime: iso, title: at.toLocaleString() }, text);
}

/** The roles are named because a narrow screen shows tables as lists, which would take the roles away. */
function table(caption, headings, rows, empty) {
  if (rows.length === 0) return make('p', { class: 'faint' }, empty);
  const head = headings.map((heading) => make('th', { role: 'columnheader', scope: 'col' }, heading));
  const body = rows.map((cells) =>
    make('tr', { role: 'row' }, ...cells.map((cell) => make('td', { role: 'cell' }, cell))),
  );
  return make(
    'div',
    { class: 'wide' },
    make(
      'table',
      { role: 'table', 'aria-label': caption },
      make('thead', { role: 'rowgroup' }, make('tr', { role: 'row' }, ...head)),
      make('tbody', { role: 'rowgroup' }, ...body),
    ),
  );
}

/** Fills a part of the page if what it tells has changed; focus and what was typed stay. */
function fill(id, facts, children) {
  const text = JSON.stringify(facts);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  const focused = document.activeElement?.id;
  const typed = [...byId(id).querySelectorAll('input')].map((input) => [input.id, input.value]);
  byId(id).replaceChildren(...children());
  for (const [input, value] of typed) if (byId(input)) byId(input).value = value;
  if (focused && focused !== document.activeElement?.id) byId(focused)?.focus();
}

/** The last half hour as steps of the wanted replicas, with the band of the limits behind them. */
function chart({ name, over, limits, replicas }, now) {
  const space = 'http://www.w3.org/2000/svg';
  const [width, height, span] = [300, 50, 1_800_000];
  const begin = Date.parse(now) - span;
  const top = Math.max(1, limits?.maximum ?? 0, replicas.wanted, ...over.map(({ wanted }) => wanted)) * 1.1;
  const x = (at) => Math.max(0, ((Date.parse(at) - begin) / span) * width).toFixed(1);
  const y = (count) => (height - (count / top) * height).toFixed(1);
  const svg = document.createElementNS(space, 'svg');
  const add = (tag, attributes) => {
    const element = document.createElementNS(space, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    svg.append(element);
  };
  const counts = over.map(({ wanted }) => wanted);
  const said = `${name}, last half hour: ${Math.min(...counts)} to ${Math.max(...counts)} replicas, now ${replicas.wanted}`;
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', limits ? `${said}, allowed ${limits.minimum} to ${limits.maximum}` : said);
  if (limits)
    add('rect', {
      class: 'band',
      x: 0,
      width,
      y: y(limits.maximum),
      height: Math.max(1, y(limits.minimum) - y(limits.maximum)),
    });
  const steps = over.map(
    ({ at, wanted }, index) => `${index === 0 ? 'M' : 'H'}${x(at)}${index === 0 ? ' ' : 'V'}${y(wanted)}`,
  );
  add('path', { class: 'wanted', d: `${steps.join('')}H${width}` });
  return svg;
}

function service(each, now) {
  const { name, state, replicas, limits, hold, routes, problems, over } = each;
  const well = state !== 'quarantined' && replicas.running >= replicas.wanted;
  const only = hold && { up: 'no scaling up', down: 'no scaling down', both: 'no scaling' }[hold.only];
  return make(
    'li',
    { class: `card${well ? '' : ' trouble'}` },
    make('h3', {}, name),
    make(
      'p',
      {},
      make('span', { class: well ? 'good' : 'bad' }, `${replicas.running} of ${replicas.wanted} replicas run`),
      limits ? `, allowed ${limits.minimum} to ${limits.maximum}` : '',
    ),
    over.length > 0 ? chart(each, now) : undefined,
    state === 'quarantined'
      ? make('p', { class: 'bad' }, 'quarantined: its last good labels stay in force')
      : undefined,
    hold ? make('p', {}, `${only} until `, time(hold.until), ` (${hold.by}: ${hold.reason})`) : undefined,
    ...problems.map((problem) => make('p', { class: 'bad' }, problem)),
    routes.length > 0 ? make('p', { class: 'faint' }, routes.join(', ')) : undefined,
  );
}

function question({ id, title, why, evidence, choices, expiresAt, fallback }) {
  const button = (choice, standing) =>
    make(
      'button',
      {
        type: 'button',
        id: `${id}-${choice.id}${standing ? '-standing' : ''}`,
        class: choice.style ?? '',
        onclick: () => answer(id, choice.id, standing),
      },
      standing ? `${choice.label}, and ${choice.rule}` : choice.label,
    );
  const otherwise = choices.find((choice) => choice.id === fallback)?.label ?? fallback;
  return make(
    'article',
    { class: 'card question', 'aria-labelledby': `${id}-title` },
    make('h3', { id: `${id}-title` }, title),
    make('p', {}, why),
    ...evidence.map(({ label, text }) => make('p', { class: 'faint' }, `${label}: ${text}`)),
    make('p', {}, 'Until ', time(expiresAt), `, then: ${otherwise}`),
    make(
      'p',
      {},
      make('label', { for: `${id}-reason` }, 'Reason'),
      make('input', { id: `${id}-reason`, maxlength: '300' }),
    ),
    make(
      'div',
      { class: 'choices', role: 'group', 'aria-labelledby': `${id}-title` },
      ...choices.flatMap((choice) => [button(choice, false), ...(choice.rule ? [button(choice, true)] : [])]),
    ),
  );
}

const ask = (address, options = {}) =>
  fetch(address, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` }, cache: 'no-store' });

async function answer(id, choice, standing) {
  const name = byId('name').value.trim();
  if (name === '') {
    say('Say your name first: it stands in the record.');
    return byId('name').focus();
  }
  localStorage.setItem(kept.name, name);
  const reason = byId(`${id}-reason`).value.trim();
  try {
    const response = await ask(`/v1/questions/${encodeURIComponent(id)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ choice, by: name, ...(reason && { reason }), ...(standing && { standing }) }),
    });
    const { error } = await response.json();
    say(response.ok ? '' : (error ?? `the controller answered ${response.status}`));
  } catch {
    say('The controller cannot be reached; nothing was decided.');
  }
  look();
}

const say = (text) => (byId('said').textContent = text);

function show(story) {
  const { at, services, questions, decisions, alerts, releases, rules, agents, failing } = story;
  byId('state').textContent = failing
    ? `The Swarm cannot be read since ${new Date(failing.since).toLocaleTimeString()}: ${failing.error}`
    : `as of ${new Date(at).toLocaleTimeString()}`;
  fill('questions', questions, () =>
    questions.length > 0 ? questions.map(question) : [make('p', { class: 'faint' }, 'Nothing waits for a person.')],
  );
  // The charts move on once a minute.
  fill('services', [services, at.slice(0, 16)], () =>
    services.length > 0
      ? services.map((each) => service(each, at))
      : [make('li', { class: 'faint' }, 'There are none.')],
  );
  fill('alerts', alerts, () => [
    ...(alerts.problem ? [make('p', { class: 'bad' }, alerts.problem)] : []),
    table(
      'Alerts that fire',
      ['Since', 'Alert', 'Service', 'What', 'Told to'],
      alerts.firing.map((alert) => [
        time(alert.since),
        `${alert.name}${alert.silenced ? ' (silenced)' : ''}`,
        alert.service,
        alert.summary,
        alert.receivers.join(', '),
      ]),
      'No alert fires.',
    ),
  ]);
  fill('decisions', decisions, () => [
    table(
      'Decisions, newest first',
      ['When', 'About', 'What', 'Why', 'By'],
      decisions.map((each) => [time(each.at), each.subject, each.what, each.reason, each.by]),
      'Nothing was decided yet.',
    ),
  ]);
  fill('releases', releases, () => [
    table(
      'Newest release of each stack',
      ['When', 'Stack', 'Number', 'Images'],
      releases.map((release) => [time(release.at), release.stack, String(release.number), release.images.join(', ')]),
      'There is no release yet.',
    ),
  ]);
  fill('rules', rules, () => [
    table(
      'What is done without asking',
      ['Service', 'What', 'Until', 'Who', 'Why'],
      rules.map((rule) => [
        rule.service,
        `${rule.direction} to ${rule.upTo}`,
        time(rule.until),
        rule.author,
        rule.reason,
      ]),
      'There are none.',
    ),
  ]);
  fill('agents', agents, () => [
    table(
      'Engines and what they run',
      ['Engine', 'Node', 'Revision', 'State'],
      agents.map((agent) => [
        agent.engine,
        agent.node,
        agent.revision.slice(0, 12),
        agent.problem ?? (agent.behind ? 'behind' : 'current'),
      ]),
      'No agent has asked yet.',
    ),
  ]);
}

function enter(entered) {
  byId('enter').hidden = entered;
  byId('story').hidden = !entered;
  byId('leave').hidden = !entered;
}

function leave(reason = '') {
  clearTimeout(timer);
  token = '';
  sessionStorage.removeItem(kept.token);
  enter(false);
  byId('state').textContent = 'not connected';
  byId('refused').textContent = reason;
  byId('token').focus();
}

async function look() {
  clearTimeout(timer);
  if (token === '') return;
  let wait = pause.look;
  try {
    const response = await ask('/v1/page');
    if (response.status === 401 || response.status === 403) return leave('This token is not known here.');
    if (!response.ok) throw new Error(String(response.status));
    const story = await response.json();
    sessionStorage.setItem(kept.token, token);
    enter(true);
    show(story);
  } catch {
    byId('state').textContent = 'The controller does not answer; what is shown may be old.';
    wait = pause.failed;
  }
  timer = setTimeout(look, wait);
}

byId('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  token = byId('token').value.trim();
  byId('token').value = '';
  byId('refused').textContent = '';
  look().then(() => token && byId('main').focus({ preventScroll: true }));
});
byId('leave').addEventListener('click', () => leave());
byId('name').value = localStorage.getItem(kept.name) ?? '';
look();
