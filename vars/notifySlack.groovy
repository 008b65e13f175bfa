/** Tells people something in Slack: the same story is the same message. */
Map call(Map options = [:]) {
    return homeostat(command: 'notify', parameters: options)
}
