"use strict";
// What the fixture app's functions saw, for the tests, which run in the same process.
const { EventEmitter } = require("node:events");

module.exports = new EventEmitter();
