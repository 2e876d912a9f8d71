// Chinese words: diagnosis, verdict, checkState, check.
import type { diagnosis as english } from '../en/diagnosis';
import type { Words } from '../words';

export const diagnosis: Words<typeof english> = {
  diagnosis: {
    title: '诊断',
    again: '重新检查',
    everything: '读取所有文件',
    everythingHint: '将每个已存文件与其 SHA-256 比较,可能需要几分钟',
    copyReport: '复制报告',
    reportCopied: '报告已复制',
    download: '下载 (JSON)',
    copy: '复制',
    copied: '已复制',
    made: '由 voxloop {{version}} 于 {{when}} 检查',
    failed: '无法询问服务器',
    failedHint: '在服务器上可用此命令检查:',
  },
  verdict: {
    ok: '一切正常',
    warning: '可以工作,但有事项需要处理',
    error: '有部分无法工作',
  },
  checkState: { error: '错误', warning: '警告', note: '提示', ok: '正常', skipped: '已跳过' },
  check: {
    server: '服务器',
    port: '端口',
    settings: '设置',
    page: '网页',
    data_folder: '数据文件夹',
    temp_folder: '临时文件夹',
    log_folder: '日志文件',
    model_folder: '模型',
    free_space: '可用空间',
    database: '数据库',
    schema: '架构',
    integrity: '数据库文件',
    storage: '存储',
    blobs: '已存文件',
    orphans: '无病例的文件',
    agents: '代理',
    queue: '队列',
    engines: '引擎',
    gpu: '显卡',
    memory: '内存',
    clock: '时钟',
  },
};
