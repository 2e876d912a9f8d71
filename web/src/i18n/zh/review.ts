// Chinese words: person.
import type { review as english } from '../en/review';
import type { Words } from '../words';

export const review: Words<typeof english> = {
  person: {
    none: '您的姓名',
    signedAs: '您以 {{name}} 的名义记录',
    title: '您的姓名',
    text: '会记录在您的编辑、审核和意见旁，不做身份核验。',
    save: '保存',
  },
};
