'use strict';

const test = require('node:test');
const assert = require('node:assert');
const { greet } = require('../greeting');

test('greets the world', () => assert.match(greet(), /world/));
test('greets by name', () => assert.match(greet('Ada'), /Ada/));
