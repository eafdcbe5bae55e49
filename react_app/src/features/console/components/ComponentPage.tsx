import { useState, type ReactElement } from "react";
import { useLocation } from "wouter";

import type { Version } from "../../../lib/api/client";
import { ApiError, fieldErrors } from "../../../lib/api/errors";
import type { Component, ComponentGroup } from "../../../lib/api/types";
import { Button } from "../../../lib/ui/Button";
import { Field } from "../../../lib/ui/Field";
import { useDesk } from "../context";
import { useOne, useWhole, useWrite } from "../data";
import { Answer } from "../parts/Answer";
import { ButtonLink } from "../parts/ButtonLink";
import { Choice } from "../parts/Choice";
import { Confirm } from "../parts/Confirm";
import { Conflict } from "../parts/Conflict";
import { Form } from "../parts/Form";
import { Head } from "../parts/Head";
import styles from "../parts/parts.module.css";
import { useUnsaved } from "../parts/useUnsaved";
import { consolePaths } from "../paths";
import type { ComponentDraft } from "../types";

/** A component to add (null) or to change. */
export function ComponentPage({ id }: { id: number | null }): ReactElement {
  const groups = useWhole<readonly ComponentGroup[]>("/component-groups/");
  return (
    <Answer query={groups} what="the groups">
      {(all) =>
        id === null ? (
          <>
            <Head title="Add a component" documentTitle="Add a component" />
            <ComponentForm groups={all} version={null} />
          </>
        ) : (
          <Known id={id} groups={all} />
        )
      }
    </Answer>
  );
}

function Known({ id, groups }: { id: number; groups: readonly ComponentGroup[] }): ReactElement {
  const { may, announce } = useDesk();
  const [, navigate] = useLocation();
  const one = useOne<Component>(`/components/${id}/`);
  const remove = useWrite({
    onSuccess: () => {
      announce("The component is gone.");
      navigate(consolePaths.components);
    },
  });
  if (one.data === undefined && one.error instanceof ApiError && one.error.kind === "missing") {
    return <Head title="There is no such component" documentTitle="Not found" />;
  }
  return (
    <Answer query={one} what="the component">
      {(version) => (
        <>
          <Head title={version.data.name} documentTitle={version.data.name} />
          <ComponentForm groups={groups} version={version} />
          {may("administrator") && (
            <div className={`${styles.actions} ${styles.section}`}>
              <Confirm
                label="Delete"
                of={`the component ${version.data.name}`}
                question={`Delete “${version.data.name}” for good?`}
                consequence="Incidents that named it stay, without it. Its monitors go on without a component. This cannot be undone."
                confirm="Delete the component"
                busy={remove.isPending}
                error={remove.error}
                run={() => {
                  remove.mutate({ method: "DELETE", path: `/components/${id}/` });
                }}
              />
            </div>
          )}
        </>
      )}
    </Answer>
  );
}

interface FormProps {
  groups: readonly ComponentGroup[];
  version: Version<Component> | null;
}

function ComponentForm({ groups, version }: FormProps): ReactElement {
  const { announce } = useDesk();
  const [, navigate] = useLocation();
  const [base, setBase] = useState(version);
  const [name, setName] = useState(version?.data.name ?? "");
  const [description, setDescription] = useState(version?.data.description ?? "");
  const [group, setGroup] = useState<number | null>(version?.data.group ?? null);
  const save = useWrite<Component>({
    onSuccess: (saved) => {
      announce(`Saved: ${saved.name}.`);
      navigate(consolePaths.components);
    },
  });
  const before = base?.data;
  useUnsaved((name !== (before?.name ?? "") || description !== (before?.description ?? "")) && !save.isSuccess);
  const conflict = save.error instanceof ApiError && save.error.kind === "changed" ? save.error : null;
  const theirs = conflict?.problem?.current as Component | undefined;
  const groupName = (id: number | null): string => groups.find((one) => one.id === id)?.name ?? "None";

  const send = (etag: string | null): void => {
    if (before === undefined) {
      const draft: ComponentDraft = { name, description, group };
      save.mutate({ method: "POST", path: "/components/", body: draft });
      return;
    }
    const change: Partial<ComponentDraft> = {
      ...(name === before.name ? {} : { name }),
      ...(description === before.description ? {} : { description }),
      ...(group === before.group ? {} : { group }),
    };
    save.mutate({ method: "PATCH", path: `/components/${before.id}/`, body: change, ifMatch: etag });
  };

  return (
    <>
      {conflict !== null && theirs !== undefined && (
        <Conflict
          differences={[
            { name: "Name", mine: name, theirs: theirs.name },
            { name: "Description", mine: description, theirs: theirs.description },
            { name: "Group", mine: groupName(group), theirs: groupName(theirs.group) },
          ].filter(({ mine, theirs: other }) => mine !== other)}
          mineLabel="Save mine over it"
          theirsLabel="Take theirs"
          busy={save.isPending}
          keepMine={() => {
            send(conflict.etag);
          }}
          takeTheirs={() => {
            setBase({ data: theirs, etag: conflict.etag });
            setName(theirs.name);
            setDescription(theirs.description);
            setGroup(theirs.group);
            save.reset();
          }}
        >
          Only what you have changed would be written over what is saved now. Its state or its place may have changed
          too; neither is touched.
        </Conflict>
      )}
      <Form
        label={before ? `Change ${before.name}` : "Add a component"}
        error={save.error}
        busy={save.isPending}
        fields={["name", "description", "group"]}
        submit={() => {
          send(base?.etag ?? null);
        }}
      >
        <Field label="Name" error={fieldErrors(save.error, "name")}>
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
        <Field label="Description" hint="What people use it for." error={fieldErrors(save.error, "description")}>
          {(control) => (
            <input
              {...control}
              type="text"
              maxLength={200}
              value={description}
              onChange={(event) => {
                setDescription(event.target.value);
              }}
            />
          )}
        </Field>
        {groups.length > 0 && (
          <Choice
            label="Group"
            error={fieldErrors(save.error, "group")}
            value={group === null ? "" : String(group)}
            options={[["", "None"] as const, ...groups.map((one) => [String(one.id), one.name] as const)]}
            change={(chosen) => {
              setGroup(chosen === "" ? null : Number(chosen));
            }}
          />
        )}
        <div className={styles.actions}>
          <Button type="submit" kind="primary" busy={save.isPending}>
            {save.isPending ? "Saving…" : "Save"}
          </Button>
          <ButtonLink href={consolePaths.components}>Leave it</ButtonLink>
        </div>
      </Form>
    </>
  );
}
