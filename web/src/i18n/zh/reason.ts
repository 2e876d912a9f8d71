// Chinese words: reason. What the server refuses for, by the names that openapi.json lists.
import type { reason as english } from '../en/reason';
import type { Words } from '../words';

export const reason: Words<typeof english> = {
  reason: {
    not_a_volume: '这不是 NIfTI 或 NRRD 体数据：{{found}}',
    header_field: '文件头的字段 {{field}} 无法使用：{{found}}',
    image_too_large: '体素占 {{needed}} 字节，本服务器的上限为 {{limit}} 字节（MAX_IMAGE）。',
    cut_short: '文件不完整。请重新保存或下载。',
    trailing_bytes: '最后一个体素之后还有字节：文件已损坏或文件头有误。请重新保存。',
    damaged_file: '压缩文件已损坏。请重新保存或下载。',
    no_memory: '服务器没有 {{needed}} 字节内存来存放体素。',
    broken_off: '上传中断。请重试。',
    too_large: '超过本服务器的上限：最多 {{limit}} 字节。',
    no_mask: '还没有掩膜：请先分割一个切片。',
    all_outside: '所有标记都在目标之外：请添加框，或目标内的点或笔画。',
    engine_not_ready: '引擎 {{engine}} 未就绪：服务器上缺少权重。请换一个引擎，或用 “voxloop models download” 获取。',
    no_engine: '没有就绪的引擎。诊断页会说明原因。',
    empty_object: '目标 {{label}} 没有体素。',
    propagating: '正在传播掩膜：请等待或先停止。',
    segmenting: '正在分割切片：请等待或先停止。',
    task_runs: '有任务还会更改掩膜：请等待或先停止。',
    marked_absent: '切片 {{slice}} 上标记为没有目标：请先撤销。',
    nothing_between: '没有可填补的间隔：请先确认目标的两个切片。',
    no_confirmed_mask: '没有显示目标的已确认切片：请先确认一个带掩膜的切片。',
    task_state: '任务状态已改变。请再看一下列表。',
    not_head: '其他人已更改掩膜。',
    label_locked: '目标 {{label}}（{{name}}）已锁定：请先解锁。',
    job_accepted: '病例已接受：要更改请重新打开审阅。',
    labels_changed: '其他人已更改目标。',
    review_changed: '审阅状态已改变：{{state}}。',
    name_taken: '已有名为 {{name}} 的标签集：请换一个名称。',
    disk_full: '服务器磁盘已满。请腾出空间后重试。',
    store_damaged: '存储的数据已损坏或缺失。诊断页会说明如何处理。',
    internal: '服务器出错，其日志中有说明。',
  },
};
