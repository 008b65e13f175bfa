import { chromium, type Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { askQuestion, readQuestion } from '../../runner/people/questions';
import { recordBegin, recordMade } from '../../runner/scaling/history';
import { holdService, releaseService } from '../../runner/scaling/holds';
import { sharedLab, uniqueName } from '../lab';
import { realContext } from '../lab/context';
import { eventually, Site, startController, tokens } from '../controller/live';
import { route } from '../controller/support';

const patience = 20_000;
/** Run in the browser, which knows what the compiler of these tests does not. */
const focused = 'document.activeElement.id';
const overhang = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
const tooSmall = `[...document.querySelectorAll('button, input')]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 44)
  .map((each) => each.outerHTML)`;
const hostile = '<img src=x onerror="document.title=\'taken over\'"> & "quotes"';

/** The status page of a real controller in a real browser. */
async function openPage(t: Test, viewport = { width: 1200, height: 900 }) {
  const place = await new Site(await sharedLab(t)).prepare(t);
  const live = await startController(t, place);
  await live.pass();
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  t.teardown(() => browser.close());
  const page = await browser.newPage({ viewport });
  page.setDefaultTimeout(patience);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // That a request was refused is what some of these tests are about.
    if (message.type() === 'error' && !message.text().includes('the server responded with a status of')) {
      complaints.push(message.text());
    }
  });
  await page.goto(live.address);
  return { place, live, page, complaints, context: realContext({ env: {} }) };
}

async function enter(page: Page, token: string) {
  await page.getByLabel(/^Token/).fill(token);
  await page.keyboard.press('Enter');
}

const card = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name });

const limitQuestion = (subject: string) => ({
  kind: 'limit' as const,
  ...{ subject, key: 'up', title: `${subject} is at its limit`, why: hostile },
  evidence: [{ label: 'load', text: hostile }],
  choices: [
    { id: 'scale', label: 'Scale to 6', style: 'primary' as const, action: { to: 6 } },
    { id: 'ignore', label: 'Ignore', action: {} },
  ],
  fallback: 'ignore',
  expiresIn: 600_000,
});

t.test('without a token the page tells nothing, and says so', async (t) => {
  const { page, live, place, complaints } = await openPage(t);
  const name = uniqueName('secret');
  await place.create(name, route('/secret'));
  await live.pass();
  await page.getByRole('heading', { name: 'Who asks?' }).waitFor();
  t.notMatch(await page.content(), name);
  await enter(page, 'a-token-that-nobody-gave-out');
  await page.getByText('This token is not known here.').waitFor();
  t.notMatch(await page.content(), name);
  t.equal(await page.evaluate<string>(focused), 'token', 'one can try again at once');
  t.same(complaints, []);
});

t.test('services, limits, changes and troubles are told as they happen, without a reload', async (t) => {
  const { page, live, place, context, complaints } = await openPage(t);
  const name = uniqueName('shop');
  await place.create(name, { ...route('/shop'), 'com.df.scaleMin': '1', 'com.df.scaleMax': '4' }, { replicas: 2 });
  await enter(page, tokens.reader);
  const shop = card(page, name);
  await shop.getByText('0 of 2 replicas run').waitFor();
  t.match(await shop.innerText(), /allowed 1 to 4/);
  const before = await page.evaluate<number>('performance.timeOrigin');
  await place.update(name, undefined, 3);
  const change = { at: Date.now(), from: 2, to: 3, by: 'a test', reason: hostile };
  await recordBegin(place.engine, name, [], change, context);
  await recordMade(place.engine, name, context);
  await shop.getByText('0 of 3 replicas run').waitFor();
  await page.getByRole('cell', { name: '2 → 3' }).waitFor();
  t.match(await shop.getByRole('img').getAttribute('aria-label'), /2 to 3 replicas, now 3, allowed 1 to 4/);
  const until = Date.now() + 600_000;
  const hold = { service: name, only: 'down' as const, by: 'a test', reason: hostile, until };
  await holdService(place.engine, hold, context);
  t.teardown(() => releaseService(place.engine, name, context));
  await shop.getByText('no scaling down until').waitFor();
  const held = new RegExp(`homeostat_service_held\\{service="${name}",.*direction="down"\\} 1`);
  await eventually(async () => held.test((await live.reader.get<string>('/metrics')).data));
  await place.update(name, { ...route('/shop'), 'com.df.port': '80a' });
  await shop.getByText('quarantined').waitFor();
  t.match(await shop.innerText(), /com\.df\.port/);
  await place.remove(name);
  await shop.waitFor({ state: 'detached' });
  t.equal(await page.evaluate<number>('performance.timeOrigin'), before, 'it is still the page that was loaded first');
  t.equal(await page.title(), 'Homeostat', 'no text of a label or a reason becomes a part of the page');
  t.match(await page.getByRole('table', { name: /^Decisions/ }).innerText(), /<img src=x/);
  t.same(complaints, []);
});

t.test('a question is answered by keyboard, once, with the name on record', async (t) => {
  const { page, live, place, context, complaints } = await openPage(t);
  const subject = uniqueName('shop');
  const { question } = await askQuestion(place.engine, limitQuestion(subject), context);
  await enter(page, tokens.reader);
  const article = page.getByRole('article', { name: `${subject} is at its limit` });
  await article.getByRole('button', { name: 'Scale to 6' }).click();
  await page.getByText('Say your name first').waitFor();
  await page.getByLabel('Your name, for the record').fill('Ada');
  await article.getByRole('button', { name: 'Scale to 6' }).click();
  await page.getByText(/needs the writers' token/).waitFor();
  t.match(
    (await readQuestion(place.engine, question.id, context)).state,
    { state: 'open' },
    'who may read decides nothing',
  );
  await page.getByRole('button', { name: 'Forget the token' }).click();
  await enter(page, tokens.writer);
  await article.getByLabel('Reason').fill('a busy evening');
  await page.keyboard.press('Tab');
  t.equal(await page.evaluate<string>(focused), `${question.id}-scale`);
  await page.keyboard.press('Enter');
  await article.waitFor({ state: 'detached' });
  t.match((await readQuestion(place.engine, question.id, context)).state, {
    ...{ choice: 'scale', by: 'Ada', via: 'page', reason: 'a busy evening' },
  });
  await page.getByRole('cell', { name: `${subject} is at its limit: Scale to 6: decided by Ada` }).waitFor();
  const again = await fetch(`${live.address}/v1/questions/${question.id}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${tokens.writer}` },
    body: JSON.stringify({ choice: 'ignore', by: 'Eve' }),
  });
  t.equal(again.status, 409);
  t.match(await again.json(), { error: /Ada was first/ });
  t.same(complaints, []);
});

t.test('rubbish in place of an answer changes nothing and is told what is wrong', async (t) => {
  const { live, place, context } = await openPage(t);
  const { question } = await askQuestion(place.engine, limitQuestion(uniqueName('shop')), context);
  const post = async (id: string, body: string, token: string = tokens.writer) =>
    (
      await fetch(`${live.address}/v1/questions/${id}`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}` },
        body,
      })
    ).status;
  const good = JSON.stringify({ choice: 'scale', by: 'Ada' });
  t.equal(await post(question.id, good, tokens.agent), 403);
  t.equal(await post(question.id, good, 'nobody'), 401);
  t.equal(await post('q-none', good), 404);
  t.equal(await post(question.id, '{'), 400);
  t.equal(await post(question.id, '{"choice":"scale"}'), 400);
  t.equal(await post(question.id, '{"choice":"scale","by":""}'), 400);
  t.equal(await post(question.id, '{"choice":"scale","by":"a\\nb"}'), 400);
  t.equal(await post(question.id, '{"choice":"nothing","by":"Ada"}'), 403);
  t.equal(await post(question.id, ' '.repeat(5000)), 413);
  t.match((await readQuestion(place.engine, question.id, context)).state, { state: 'open' });
});

t.test('on a phone nothing is wider than the screen, and everything has a name that is read out', async (t) => {
  const { page, place, context, complaints } = await openPage(t, { width: 360, height: 740 });
  const subject = uniqueName('a-service-with-quite-a-long-name');
  await place.create(subject, { ...route(`/${'long-path/'.repeat(12)}`), 'com.df.scaleMax': '4' });
  await askQuestion(place.engine, limitQuestion(subject), context);
  await enter(page, tokens.reader);
  await card(page, subject).getByText('replicas run').waitFor();
  t.equal(await page.evaluate<number>(overhang), 0);
  t.same(await page.evaluate(tooSmall), [], 'whatever is touched is large enough for a finger');
  const snapshot = await page.locator('body').ariaSnapshot();
  for (const heading of ['Questions', 'Services', 'Alerts', 'Decisions', 'Releases', 'Standing rules'])
    t.match(snapshot, `heading "${heading}"`);
  t.notMatch(snapshot, /- (button|textbox|img|table|article)(?: \[|:|$)/m, 'no part is without a name');
  t.same(complaints, []);
});

t.test('a controller that goes away is told of, and the page goes on when it is back', async (t) => {
  const { page, live, complaints } = await openPage(t);
  await enter(page, tokens.reader);
  await page.getByText(/^as of /).waitFor();
  await page.route('**/v1/page', (request) => request.abort());
  await page.getByText('The controller does not answer').waitFor();
  await page.unroute('**/v1/page');
  await page.getByText(/^as of /).waitFor();
  t.ok(live.address);
  t.same(
    complaints.filter((each) => !each.includes('net::ERR_FAILED')),
    [],
  );
});
