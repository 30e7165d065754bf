/** The processor time of a call, in milliseconds. Not the time of the clock, which says how busy the machine is. */

export function cpuTimeOf(act) {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
