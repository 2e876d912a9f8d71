// Korean words: diagnosis, verdict, checkState, check.
import type { diagnosis as english } from '../en/diagnosis';
import type { Words } from '../words';

export const diagnosis: Words<typeof english> = {
  diagnosis: {
    title: '진단',
    again: '다시 확인',
    everything: '모든 파일 읽기',
    everythingHint: '저장된 모든 파일을 SHA-256과 비교합니다. 몇 분 걸릴 수 있습니다',
    copyReport: '보고서 복사',
    reportCopied: '보고서를 복사했습니다',
    download: '내려받기 (JSON)',
    copy: '복사',
    copied: '복사됨',
    made: '{{when}}에 voxloop {{version}}이(가) 확인함',
    failed: '서버에 물어볼 수 없습니다',
    failedHint: '서버 컴퓨터에서 다음 명령으로 확인할 수 있습니다:',
  },
  verdict: {
    ok: '모두 정상입니다',
    warning: '작동하지만 조치가 필요합니다',
    error: '작동하지 않는 부분이 있습니다',
  },
  checkState: { error: '오류', warning: '경고', note: '참고', ok: '정상', skipped: '건너뜀' },
  check: {
    server: '서버',
    port: '포트',
    settings: '설정',
    page: '웹 페이지',
    data_folder: '데이터 폴더',
    temp_folder: '임시 폴더',
    log_folder: '로그 파일',
    model_folder: '모델',
    free_space: '여유 공간',
    database: '데이터베이스',
    schema: '스키마',
    integrity: '데이터베이스 파일',
    storage: '저장소',
    blobs: '저장된 파일',
    orphans: '케이스가 없는 파일',
    agents: '에이전트',
    queue: '대기열',
    engines: '엔진',
    gpu: '그래픽 처리 장치',
    memory: '메모리',
    clock: '시계',
  },
};
