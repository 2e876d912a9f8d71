// Korean words: tour, tourStep, tourText.
import type { tour as english } from '../en/tour';
import type { Words } from '../words';

export const tour: Words<typeof english> = {
  tour: {
    title: '둘러보기',
    step: '{{total}}단계 중 {{n}}단계',
    leave: '둘러보기 끝내기',
    close: '닫기',
    end: '모두 마쳤습니다',
    endText: '? 키를 누르면 모든 단축키가 나옵니다. 둘러보기는 설정에서 다시 시작할 수 있습니다.',
    again: '샘플을 열면 둘러보기가 시작됩니다.',
  },
  tourStep: {
    box: '병변 표시하기',
    mask: '마스크 얻기',
    propagate: '볼륨 전체로 전파하기',
    doubtful: '엔진이 확신하지 못하는 곳 보기',
    accept: '승인하거나 내려받기',
  },
  tourText: {
    box: '슬라이스 40으로 가서(휠 또는 ↑) 상자 도구(B)로 간의 병변 둘레를 끌어 그리세요.',
    mask: '슬라이스를 분할하세요(Enter). “마스크가 프롬프트를 따라감”이(가) 켜져 있으면 저절로 됩니다.',
    propagate: '전파하세요(Shift + Enter). 주변 슬라이스에서 대상을 찾습니다.',
    doubtful: 'D 키를 누르면 다음 의심 슬라이스로 갑니다. 그곳에서 고치거나 C 키로 확정하세요.',
    accept: '케이스를 승인하거나 (Ctrl + Enter) 내려받으세요. 머리글의 화살표에 모든 파일이 있습니다.',
  },
};
