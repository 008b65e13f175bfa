'use strict';

exports.version = '1';
exports.greet = (name) => `Hello, ${name || 'world'}!`;
