import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { SignatureCheck } from '../../../runner/people/slack/signature';
import { holds } from '../../common/support';

// The example of https://docs.slack.dev/authentication/verifying-requests-from-slack
const secret = '8f742231b10e8888abcd99yyyzzz85a5';
const timestamp = '1531420618';
const body = Buffer.from(
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
);
const signature = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503';
const at = Number(timestamp) * 1000;
const good = { timestamp, signature, body };

t.test('a request without a signature, or with a wrong one, is forged', async (t) => {
  const check = new SignatureCheck(secret);
  const wrong = [
    { ...good, signature: undefined },
    { ...good, timestamp: undefined },
    { ...good, timestamp: `${timestamp}0`.slice(1) },
    { ...good, timestamp: 'now' },
    { ...good, signature: signature.toUpperCase() },
    { ...good, signature: signature.slice(0, -2) },
    { ...good, signature: signature.replace('v0=', 'v1=') },
    { ...good, signature: 'v0=' },
    { ...good, body: Buffer.from(`${body.toString()}&a=1`) },
  ];
  for (const [index, each] of wrong.entries()) t.equal(check.refusal(each, at), 'forged', `case ${index}`);
  t.equal(new SignatureCheck('another secret').refusal(good, at), 'forged');
  t.equal(check.refusal(good, at), undefined, 'none of which kept the good one out');
});

t.test('a request that is older than 300 s, or from a clock that far ahead, is late', async (t) => {
  t.equal(new SignatureCheck(secret).refusal(good, at + 301_000), 'late');
  t.equal(new SignatureCheck(secret).refusal(good, at - 301_000), 'late');
  t.equal(new SignatureCheck(secret).refusal(good, at + 300_000), undefined);
  t.equal(new SignatureCheck(secret).refusal(good, at - 300_000), undefined);
});

t.test('a request is taken once, as long as it could be taken at all', async (t) => {
  const check = new SignatureCheck(secret);
  t.equal(check.refusal(good, at), undefined);
  for (const later of [0, 1000, 299_000, 300_000]) t.equal(check.refusal(good, at + later), 'replayed');
  t.equal(check.refusal(good, at + 301_000), 'late');
});

t.test('whatever is changed in a request, it is not taken', async (t) => {
  await holds(
    t,
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (bytes, where, bits) => {
        const body = Buffer.from(bytes);
        const digest = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex');
        const changed = Buffer.from(body);
        changed[where % changed.length]! ^= bits;
        const check = new SignatureCheck(secret);
        return (
          check.refusal({ timestamp, signature: `v0=${digest}`, body: changed }, at) === 'forged' &&
          check.refusal({ timestamp, signature: `v0=${digest}`, body }, at) === undefined
        );
      },
    ),
  );
});
