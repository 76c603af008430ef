/** A provider's errors, in its own words. */
import { useMemo } from "preact/hooks";
import { providerErrors } from "./provider-errors.ts";

export function ProviderErrors({ body }: { readonly body: string }) {
  const errors = useMemo(() => providerErrors(body), [body]);
  return (
    <>
      {errors.map(({ code, words, href }) => (
        <p key={`${code}${words}`} class="provider-error">
          {code !== undefined && <span class="mono">{code} </span>}
          <span dir="auto">{words}</span>
          {href !== undefined && (
            <>
              {" "}
              <a href={href} target="_blank" rel="noreferrer">
                More
              </a>
            </>
          )}
        </p>
      ))}
    </>
  );
}
