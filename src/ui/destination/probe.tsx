/** Tries at once a destination that is down, or where a record fails. */
import { useSignal } from "@preact/signals";
import { send } from "../api.ts";

interface ProbeProps {
  readonly name: string;
  readonly again: () => void;
}

export function Probe({ name, again }: ProbeProps) {
  const said = useSignal("");
  const probe = async () => {
    try {
      await send("POST", "/destinations/{name}/probe", { parameters: { name } });
      said.value = "It is tried now.";
      again();
    } catch (error) {
      said.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <>
      <span role="status" class="quiet">
        {said.value}
      </span>
      <button type="button" onClick={() => void probe()}>
        Try now
      </button>
    </>
  );
}
