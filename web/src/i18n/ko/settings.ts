// Korean words: settings, theme.
import type { settings as english } from '../en/settings';
import type { Words } from '../words';

export const settings: Words<typeof english> = {
  settings: {
    you: '사용자',
    looks: '모양',
    theme: '테마',
    slices: '슬라이스와 프롬프트',
    conventionHint: '영상의학 방식: 환자의 오른쪽이 화면 왼쪽에 보입니다',
    layout: '배치',
    layoutHint: '마지막에 쓴 배치로 케이스를 엽니다',
    opening: '케이스를 열 때',
    modality: '모달리티',
    preset: '윈도우',
    fitting: '영상에 맞게',
    serversChoice: '서버가 선택',
    asLast: '마지막 값',
    help: '도움말',
    tourAgain: '둘러보기 다시',
    reset: '설정 초기화',
    isReset: '설정을 처음 상태로 되돌렸습니다.',
    kept: '설정은 이 브라우저에 저장됩니다.',
  },
  theme: {
    dark: '어둡게',
    light: '밝게',
    system: '시스템',
  },
};
