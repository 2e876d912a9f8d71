// What each role may do, and the lines that invite people and agents.
import { describe, expect, it } from 'vitest';
import { agentCommand, asRole, includes, joinCommand, joinLink, ROLES } from '../src/core/access';

describe('roles', () => {
  it('each may what those before it may', () => {
    const may = ROLES.map((role) => ROLES.filter((needed) => includes(role, needed)));
    expect(may).toEqual([['viewer'], ['viewer', 'annotator'], ['viewer', 'annotator', 'reviewer'], [...ROLES]]);
  });

  it('an agent stands beside them', () => {
    expect(ROLES.some((needed) => includes('agent', needed))).toBe(false);
  });

  it('what is no role is the least one', () => {
    expect(asRole('admin')).toBe('admin');
    expect(asRole('root')).toBe('viewer');
    expect(asRole(null)).toBe('viewer');
  });
});

describe('lines to copy', () => {
  it('a link holds the secret where no server sees it', () => {
    expect(new URL(joinLink('https://seg.lab', 'vxi_abc'))).toMatchObject({ pathname: '/join', hash: '#vxi_abc', search: '' });
  });

  it.each([
    ['https://seg.lab', false],
    ['http://127.0.0.1:8000', false],
    ['http://localhost:8000', false],
    ['http://[::1]:8000', false],
    ['http://10.0.0.5:8000', true],
  ])('an agent is told of %s whether it is in the clear: %s', (origin, isInTheClear) => {
    const line = joinCommand(origin, 'vxj_abc');
    expect(line.startsWith(`voxloop agent --server ${origin} --token-file token --join vxj_abc`)).toBe(true);
    expect(line.endsWith(' --insecure-http')).toBe(isInTheClear);
    expect(agentCommand(origin)).toBe(`voxloop agent --server ${origin}${isInTheClear ? ' --insecure-http' : ''}`);
  });
});
