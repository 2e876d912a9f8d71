// Chinese words of the page.
import { merged } from '../areas';
import type { en } from '../en';
import type { Words } from '../words';

export const zh = merged<Words<typeof en>>(import.meta.glob(['./*.ts', '!./index.ts'], { eager: true }));
