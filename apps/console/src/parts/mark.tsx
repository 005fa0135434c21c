/** The house's mark: an anchor. */
export function Mark() {
  return (
    <svg
      class="mark"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path d="M10 2v16M4 8c0 5.5 2.6 8.3 6 10 3.4-1.7 6-4.5 6-10M6 5.5h8" />
    </svg>
  )
}
