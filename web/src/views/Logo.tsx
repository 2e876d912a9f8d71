// The product's mark.
export function Logo({ size = 26 }: { size?: number }): React.JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden className="logo">
      <path d="M16 3 28 9.9v12.2L16 29 4 22.1V9.9Z" fill="none" stroke="currentColor" strokeWidth="2" strokeLinejoin="round" />
      <path d="M4 9.9 16 16l12-6.1M16 16v13" fill="none" stroke="currentColor" strokeWidth="2" strokeLinejoin="round" opacity="0.55" />
      <circle cx="16" cy="16" r="4" fill="#ef5350" />
    </svg>
  );
}
