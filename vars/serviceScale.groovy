/** Scales a service within the limits of its labels; at a limit people are asked. */
Map call(Map options = [:]) {
    return homeostat(command: 'scale', parameters: options)
}
