import type { ReactElement } from "react";

import { ago, exactly } from "../time";
import { useNow } from "./useNow";

/** A point in time: how long ago, with the exact moment on hover and for machines. */
export function Moment({ at }: { at: string }): ReactElement {
  const now = useNow();
  const moment = new Date(at);
  return (
    <time dateTime={at} title={exactly(moment)}>
      {ago(moment, now)}
    </time>
  );
}

/** The same, written out: for what lies further back. */
export function ExactMoment({ at }: { at: string }): ReactElement {
  return <time dateTime={at}>{exactly(new Date(at))}</time>;
}
