// Reads a calendar with ical.js, the parser of Thunderbird: one line of JSON for each event, in UTC.
import { createRequire } from 'node:module';
import fs from 'node:fs';

const ICAL = createRequire(process.argv[2] + '/package.json')('ical.js');
const calendar = new ICAL.Component(ICAL.parse(fs.readFileSync(0, 'utf8')));
for (const zone of calendar.getAllSubcomponents('vtimezone')) ICAL.TimezoneService.register(zone);
for (const component of calendar.getAllSubcomponents('vevent')) {
  const event = new ICAL.Event(component);
  const utc = (time) => new Date(time.toUnixTime() * 1000).toISOString();
  console.log(JSON.stringify([event.uid, utc(event.startDate), utc(event.endDate), event.summary, event.sequence]));
}
