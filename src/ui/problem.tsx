/** What went wrong, in words, and how to try again. */

interface ProblemProps {
  readonly words: string;
  readonly retry?: () => void;
}

export function Problem({ words, retry }: ProblemProps) {
  return (
    <p class="problem" role="alert">
      {words}{" "}
      {retry !== undefined && (
        <button type="button" class="link" onClick={retry}>
          Try again
        </button>
      )}
    </p>
  );
}
