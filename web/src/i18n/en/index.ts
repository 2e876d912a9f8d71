// English words of the page. The other languages have exactly these keys.
import { page } from './page';
import { viewer } from './viewer';
import { segment } from './segment';
import { edit } from './edit';
import { history } from './history';
import { review } from './review';
import { labels } from './labels';
import { anatomy } from './anatomy';
import { measure } from './measure';
import { audit } from './audit';
import { diagnosis } from './diagnosis';
import { requests } from './requests';
import { tasks } from './tasks';
import { devices } from './devices';
import { settings } from './settings';
import { keys } from './keys';
import { tour } from './tour';
import { access } from './access';
import { reason } from './reason';

export const en = {
  ...page,
  ...viewer,
  ...segment,
  ...edit,
  ...history,
  ...review,
  ...labels,
  ...anatomy,
  ...measure,
  ...audit,
  ...diagnosis,
  ...requests,
  ...tasks,
  ...devices,
  ...settings,
  ...keys,
  ...tour,
  ...access,
  ...reason,
} as const;
