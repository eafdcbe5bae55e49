import { useState, type ReactElement } from "react";
import { Link } from "wouter";

import { fieldErrors } from "../../../lib/api/errors";
import type { Component, ComponentGroup } from "../../../lib/api/types";
import { useSummary } from "../../../lib/queries";
import { componentStateWords } from "../../../lib/status/words";
import { Button } from "../../../lib/ui/Button";
import { ErrorNotice } from "../../../lib/ui/ErrorNotice";
import { Field } from "../../../lib/ui/Field";
import { useDesk } from "../context";
import { changeComponents, useWrite } from "../data";
import { Answer } from "../parts/Answer";
import { Badge } from "../parts/Badge";
import { ButtonLink } from "../parts/ButtonLink";
import { Confirm } from "../parts/Confirm";
import { Form } from "../parts/Form";
import { Head } from "../parts/Head";
import styles from "../parts/parts.module.css";
import { StateForm } from "../parts/StateForm";
import { consolePaths } from "../paths";
import { inOrder, swapped } from "./order";

export function ComponentsPage(): ReactElement {
  const { may } = useDesk();
  const summary = useSummary();
  const [adding, setAdding] = useState(false);
  return (
    <>
      <Head
        title="Components"
        documentTitle="Components"
        actions={
          may("editor") && (
            <>
              <ButtonLink href={consolePaths.newComponent} primary>
                Add a component
              </ButtonLink>
              <Button
                onClick={() => {
                  setAdding(true);
                }}
              >
                Add a group
              </Button>
            </>
          )
        }
      >
        What the public page lists, in this order.
      </Head>
      {adding && (
        <GroupForm
          position={summary.data?.groups.length ?? 0}
          close={() => {
            setAdding(false);
          }}
        />
      )}
      <Answer query={summary} what="the components">
        {({ groups, components }) => {
          const loose = inOrder(components.filter(({ group }) => group === null));
          const sorted = inOrder(groups);
          return (
            <>
              {components.length === 0 && <p className={styles.empty}>There is no component yet.</p>}
              {sorted.map((group) => (
                <Group
                  key={group.id}
                  group={group}
                  groups={sorted}
                  components={inOrder(components.filter((component) => component.group === group.id))}
                />
              ))}
              {loose.length > 0 && (
                <section aria-labelledby="loose">
                  <h2 id="loose" className={styles.heading}>
                    {groups.length === 0 ? "All components" : "Without a group"}
                  </h2>
                  <Rows components={loose} />
                </section>
              )}
            </>
          );
        }}
      </Answer>
    </>
  );
}

function Group({
  group,
  groups,
  components,
}: {
  group: ComponentGroup;
  groups: readonly ComponentGroup[];
  components: readonly Component[];
}): ReactElement {
  const { may, announce } = useDesk();
  const [renaming, setRenaming] = useState(false);
  const move = useWrite();
  const remove = useWrite({
    onSuccess: () => {
      announce(`The group ${group.name} is gone.`);
    },
  });
  const index = groups.indexOf(group);
  const shift = (by: -1 | 1): void => {
    for (const { id, position } of swapped(groups, index, by)) {
      move.mutate({ method: "PATCH", path: `/component-groups/${id}/`, body: { position } });
    }
    announce(`${group.name} moved ${by < 0 ? "up" : "down"}.`);
  };
  return (
    <section aria-labelledby={`group-${group.id}`} className={styles.section}>
      <div className={`${styles.row} ${styles.groupHead}`}>
        <h2 id={`group-${group.id}`} className={styles.heading}>
          {group.name}
        </h2>
        {may("editor") && (
          <div className={styles.actions}>
            <Arrow of={group.name} by={-1} able={index > 0} run={shift} />
            <Arrow of={group.name} by={1} able={index < groups.length - 1} run={shift} />
            <Button
              onClick={() => {
                setRenaming(!renaming);
              }}
            >
              Rename <span className="visually-hidden">the group {group.name}</span>
            </Button>
            <Confirm
              label="Delete"
              of={`the group ${group.name}`}
              question={`Delete the group “${group.name}”?`}
              consequence="Its components stay, without a group."
              confirm="Delete the group"
              busy={remove.isPending}
              error={remove.error}
              run={(done) => {
                remove.mutate({ method: "DELETE", path: `/component-groups/${group.id}/` }, { onSuccess: done });
              }}
            />
          </div>
        )}
      </div>
      {move.isError && <ErrorNotice error={move.error} />}
      {renaming && (
        <GroupForm
          group={group}
          position={group.position}
          close={() => {
            setRenaming(false);
          }}
        />
      )}
      {components.length === 0 ? (
        <p className={styles.empty}>No component is in it, so that the public page does not show it.</p>
      ) : (
        <Rows components={components} />
      )}
    </section>
  );
}

function Rows({ components }: { components: readonly Component[] }): ReactElement {
  const { may, announce } = useDesk();
  const move = useWrite<Component>({
    optimistic: (client, { path, body }) => {
      const { position } = body as { position: number };
      changeComponents(client, (one) => (path === `/components/${one.id}/` ? { ...one, position } : one));
    },
  });
  const shift = (index: number, by: -1 | 1): void => {
    for (const { id, position } of swapped(components, index, by)) {
      move.mutate({ method: "PATCH", path: `/components/${id}/`, body: { position } });
    }
    announce(`${components[index]?.name ?? ""} moved ${by < 0 ? "up" : "down"}.`);
  };
  return (
    <>
      {move.isError && <ErrorNotice error={move.error} />}
      <ul className={styles.rows}>
        {components.map((component, index) => (
          <li key={component.id} className={styles.row}>
            <div className={styles.rowMain}>
              <p className={styles.rowTitle}>
                {may("editor") ? (
                  <Link href={consolePaths.component(component.id)}>{component.name}</Link>
                ) : (
                  component.name
                )}
              </p>
              {component.description !== "" && <p className={styles.facts}>{component.description}</p>}
            </div>
            {may("editor") ? (
              <div className={styles.actions}>
                <StateForm component={component} />
                <Arrow
                  of={component.name}
                  by={-1}
                  able={index > 0}
                  run={(by) => {
                    shift(index, by);
                  }}
                />
                <Arrow
                  of={component.name}
                  by={1}
                  able={index < components.length - 1}
                  run={(by) => {
                    shift(index, by);
                  }}
                />
              </div>
            ) : (
              <Badge tone={component.state}>{componentStateWords[component.state]}</Badge>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Arrow({
  of,
  by,
  able,
  run,
}: {
  of: string;
  by: -1 | 1;
  able: boolean;
  run: (by: -1 | 1) => void;
}): ReactElement {
  return (
    <button
      type="button"
      className={styles.iconButton}
      aria-label={`Move ${of} ${by < 0 ? "up" : "down"}`}
      // It keeps the focus at the end of the list, where a disabled one would lose it.
      aria-disabled={!able}
      onClick={() => {
        if (able) run(by);
      }}
    >
      <span aria-hidden="true">{by < 0 ? "↑" : "↓"}</span>
    </button>
  );
}

function GroupForm({
  group,
  position,
  close,
}: {
  group?: ComponentGroup;
  position: number;
  close: () => void;
}): ReactElement {
  const { announce } = useDesk();
  const [name, setName] = useState(group?.name ?? "");
  const save = useWrite<ComponentGroup>({
    onSuccess: (saved) => {
      announce(`Saved: ${saved.name}.`);
      close();
    },
  });
  return (
    <div className={styles.spaced}>
      <Form
        label={group ? `Rename the group ${group.name}` : "Add a group"}
        error={save.error}
        busy={save.isPending}
        fields={["name"]}
        submit={() => {
          save.mutate(
            group
              ? { method: "PATCH", path: `/component-groups/${group.id}/`, body: { name } }
              : { method: "POST", path: "/component-groups/", body: { name, position } },
          );
        }}
      >
        <Field label="Name of the group" error={fieldErrors(save.error, "name")}>
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
        <div className={styles.actions}>
          <Button type="submit" kind="primary" busy={save.isPending}>
            {save.isPending ? "Saving…" : "Save the group"}
          </Button>
          <Button onClick={close}>Leave it</Button>
        </div>
      </Form>
    </div>
  );
}
