// Korean words: person.
import type { review as english } from '../en/review';
import type { Words } from '../words';

export const review: Words<typeof english> = {
  person: {
    none: '이름 입력',
    signedAs: '{{name}} 이름으로 기록됩니다',
    title: '이름',
    text: '편집, 검토, 소견 옆에 기록됩니다. 본인 확인은 하지 않습니다.',
    save: '저장',
  },
};
