// Korean words of the page.
import { merged } from '../areas';
import type { en } from '../en';
import type { Words } from '../words';

export const ko = merged<Words<typeof en>>(import.meta.glob(['./*.ts', '!./index.ts'], { eager: true }));
