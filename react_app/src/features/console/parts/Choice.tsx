import type { ReactElement } from "react";

import { Field } from "../../../lib/ui/Field";

/** A list to choose one of, with its words. */
export function Choice<T extends string>({
  label,
  hint,
  error,
  value,
  options,
  change,
}: {
  label: string;
  hint?: string;
  error?: string | undefined;
  value: T;
  options: readonly (readonly [T, string])[];
  change: (value: T) => void;
}): ReactElement {
  return (
    <Field label={label} hint={hint} error={error}>
      {(control) => (
        <select
          {...control}
          value={value}
          onChange={(event) => {
            const chosen = options.find(([option]) => option === event.target.value);
            if (chosen) change(chosen[0]);
          }}
        >
          {options.map(([option, words]) => (
            <option key={option} value={option}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** The options of a choice, from the words for all its values. */
export function optionsOf<T extends string>(values: readonly T[], words: Record<T, string>): readonly (readonly [T, string])[] {
  return values.map((value) => [value, words[value]] as const);
}
