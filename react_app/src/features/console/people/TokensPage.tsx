import { useEffect, useRef, useState, type ReactElement } from "react";

import { fieldErrors } from "../../../lib/api/errors";
import { exactly } from "../../../lib/time";
import { Button } from "../../../lib/ui/Button";
import { Field } from "../../../lib/ui/Field";
import { Moment } from "../../../lib/ui/Moment";
import { useNow } from "../../../lib/ui/useNow";
import { useDesk } from "../context";
import { rowsOf, useList, useWrite } from "../data";
import { fromLocal } from "../maintenance/local";
import { Answer } from "../parts/Answer";
import { Badge } from "../parts/Badge";
import { Confirm } from "../parts/Confirm";
import { Form } from "../parts/Form";
import { Head } from "../parts/Head";
import { More } from "../parts/More";
import styles from "../parts/parts.module.css";
import type { NewToken, Scope, Token } from "../types";
import { scopeWords } from "../words";

export function TokensPage(): ReactElement {
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<NewToken | null>(null);
  const list = useList<Token>("/tokens/");
  return (
    <>
      <Head
        title="Tokens"
        documentTitle="Tokens"
        actions={
          !making && (
            <Button
              kind="primary"
              onClick={() => {
                setMaking(true);
                setMade(null);
              }}
            >
              Make a token
            </Button>
          )
        }
      >
        With one, a machine uses the API as far as its scopes go.
      </Head>
      {made !== null && (
        <Shown
          made={made}
          close={() => {
            setMade(null);
          }}
        />
      )}
      {making && (
        <NewTokenForm
          close={() => {
            setMaking(false);
          }}
          done={(token) => {
            setMaking(false);
            setMade(token);
          }}
        />
      )}
      <Answer query={list} what="the tokens">
        {(data) => {
          const tokens = rowsOf(data);
          return (
            <>
              {tokens.length === 0 ? (
                <p className={styles.empty}>There is no token.</p>
              ) : (
                <ul className={styles.rows}>
                  {tokens.map((token) => (
                    <Row key={token.id} token={token} />
                  ))}
                </ul>
              )}
              <More list={list} shown={tokens.length} />
            </>
          );
        }}
      </Answer>
    </>
  );
}

/** The value of a new token, which nobody can read again. */
function Shown({ made, close }: { made: NewToken; close: () => void }): ReactElement {
  const place = useRef<HTMLElement>(null);
  const [copied, setCopied] = useState("");
  useEffect(() => {
    place.current?.focus();
  }, []);
  return (
    <section ref={place} tabIndex={-1} aria-labelledby="made" className={styles.conflict}>
      <h2 id="made" className={styles.conflictTitle}>
        The token “{made.token.name}”
      </h2>
      <p>It is shown this once. Put it where the machine reads its secrets, and nowhere else.</p>
      <code className={styles.secret}>{made.text}</code>
      <div className={styles.actions}>
        <Button
          kind="primary"
          onClick={() => {
            navigator.clipboard.writeText(made.text).then(
              () => {
                setCopied("Copied.");
              },
              () => {
                setCopied("The browser did not let it be copied. Select it and copy it yourself.");
              },
            );
          }}
        >
          Copy it
        </Button>
        <Button onClick={close}>I have it</Button>
        <p role="status" className={styles.muted}>
          {copied}
        </p>
      </div>
    </section>
  );
}

function NewTokenForm({ close, done }: { close: () => void; done: (made: NewToken) => void }): ReactElement {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<readonly Scope[]>([]);
  const [expires, setExpires] = useState("");
  const make = useWrite<NewToken>({ onSuccess: done });
  const wrongScopes = fieldErrors(make.error, "scopes");
  return (
    <div className={styles.spaced}>
      <Form
        label="Make a token"
        error={make.error}
        busy={make.isPending}
        fields={["name", "scopes", "expires_at"]}
        submit={() => {
          make.mutate({
            method: "POST",
            path: "/tokens/",
            body: { name, scopes, expires_at: fromLocal(expires)?.toISOString() ?? null },
          });
        }}
      >
        <Field label="Name" hint="Which machine it is for." error={fieldErrors(make.error, "name")}>
          {(control) => (
            <input
              {...control}
              type="text"
              required
              maxLength={80}
              value={name}
              onChange={(event) => {
                setName(event.target.value);
              }}
            />
          )}
        </Field>
        <fieldset aria-invalid={wrongScopes !== undefined} tabIndex={-1}>
          <legend className={styles.legend}>What it may do</legend>
          <div className={styles.choices}>
            {(Object.keys(scopeWords) as Scope[]).map((scope) => (
              <label key={scope} className={styles.choice}>
                <input
                  type="checkbox"
                  checked={scopes.includes(scope)}
                  onChange={(event) => {
                    setScopes(event.target.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope));
                  }}
                />
                {scopeWords[scope]}
              </label>
            ))}
          </div>
          {wrongScopes !== undefined && <p className={styles.wrong}>{wrongScopes}</p>}
        </fieldset>
        <Field label="Expires" hint="May be empty: then it never does." error={fieldErrors(make.error, "expires_at")}>
          {(control) => (
            <input
              {...control}
              type="datetime-local"
              value={expires}
              onChange={(event) => {
                setExpires(event.target.value);
              }}
            />
          )}
        </Field>
        <div className={styles.actions}>
          <Button type="submit" kind="primary" busy={make.isPending}>
            {make.isPending ? "Making…" : "Make it"}
          </Button>
          <Button onClick={close}>Leave it</Button>
        </div>
      </Form>
    </div>
  );
}

function Row({ token }: { token: Token }): ReactElement {
  const { announce } = useDesk();
  const now = useNow();
  const { id, name, identifier, scopes, last_used_at, expires_at, revoked_at } = token;
  const revoke = useWrite<Token>({
    onSuccess: () => {
      announce(`${name} is revoked.`);
    },
  });
  const expired = expires_at !== null && new Date(expires_at) <= now;
  return (
    <li className={styles.row}>
      <div className={styles.rowMain}>
        <p className={styles.rowTitle}>{name}</p>
        <p className={styles.facts}>
          <span className={styles.code}>slipway_{identifier}_…</span>
          <span>{last_used_at === null ? "Never used" : <>Used <Moment at={last_used_at} /></>}</span>
          {expires_at !== null && <span>{expired ? "Expired" : "Expires"} {exactly(new Date(expires_at))}</span>}
        </p>
        <p className={styles.facts}>{scopes.map((scope) => scopeWords[scope]).join(", ")}</p>
      </div>
      <div className={styles.actions}>
        {revoked_at !== null ? (
          <Badge tone="">Revoked</Badge>
        ) : expired ? (
          <Badge tone="">Expired</Badge>
        ) : (
          <Badge tone="operational">In force</Badge>
        )}
        {revoked_at === null && (
          <Confirm
            label="Revoke"
            of={`the token ${name}`}
            question={`Revoke “${name}”?`}
            consequence="The machine that uses it is refused from now on. This cannot be undone."
            confirm="Revoke"
            busy={revoke.isPending}
            error={revoke.error}
            run={(closed) => {
              revoke.mutate({ method: "DELETE", path: `/tokens/${id}/` }, { onSuccess: closed });
            }}
          />
        )}
      </div>
    </li>
  );
}
