//! Tests of the desk within the application: keys and pointer reach both the application and egui, and what the
//! desk asks for is performed.

mod choice;
mod forms;
mod producer;

use bevy::input::ButtonState;
use bevy::input::keyboard::{Key as BevyKey, KeyboardInput};
use bevy::prelude::*;
use bevy_egui::egui::{self, Key, Modifiers, OutputCommand};
use bevy_egui::input::EguiWantsInput;
use bevy_egui::{EguiContext, EguiPrimaryContextPass, EguiUserTextures, PrimaryEguiContext};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use jiff::Timestamp;

use super::state::PanelState;
use crate::app::control;
use crate::app::state::desk::Desk;
use crate::app::state::focus::Focus;
use crate::app::state::run_store::RunStore;
use crate::app::state::view::View;
use crate::app::test_display::display;
use crate::config::ViewName;
use crate::protocol::{Batch, RunId};

/// Window that shows the application.
struct Window {
    harness: Harness<'static, App>,
    /// Numbers of keys and clicks so far.
    keys: usize,
    clicks: usize,
}

impl Window {
    /// Opens a window of this size in points, with what these frames tell at an instant.
    fn open(view: ViewName, size: (f32, f32), frames: &[String], now: Timestamp) -> Self {
        let mut app = display(view, now);
        app.init_resource::<EguiWantsInput>()
            .init_resource::<EguiUserTextures>()
            .init_resource::<ButtonInput<MouseButton>>()
            .init_resource::<ButtonInput<KeyCode>>()
            .add_message::<KeyboardInput>()
            .add_plugins((control::input_plugin, super::plugin));
        app.world_mut().spawn((EguiContext::default(), PrimaryEguiContext));
        receive(&mut app, frames, now);
        let builder = Harness::builder().with_size(size).with_step_dt(0.1).with_max_steps(40);
        let harness = builder.build_ui_state(|ui, app| pass(app, ui.ctx()), app);
        let mut window = Self { harness, keys: 0, clicks: 0 };
        window.settle();
        window
    }

    fn settle(&mut self) {
        self.harness.run_steps(4);
    }

    fn world(&self) -> &World {
        self.harness.state().world()
    }

    fn view(&self) -> View {
        *self.world().resource::<View>()
    }

    fn panel(&self) -> &PanelState {
        self.world().resource::<PanelState>()
    }

    fn is_comparing(&self) -> bool {
        self.world().resource::<Desk>().is_comparing
    }

    fn selected(&self) -> Option<&str> {
        self.world().resource::<Focus>().run().map(RunId::as_str)
    }

    fn receive(&mut self, frames: &[String], now: Timestamp) {
        receive(self.harness.state_mut(), frames, now);
        self.settle();
    }

    /// Presses a key, and lets it go.
    fn press(&mut self, key: Key) {
        self.press_with(Modifiers::NONE, key);
    }

    fn press_with(&mut self, modifiers: Modifiers, key: Key) {
        self.keys += 1;
        let (code, logical) = bevy_key(key);
        let mut held = Vec::new();
        held.extend(modifiers.shift.then_some(KeyCode::ShiftLeft));
        held.extend(modifiers.command.then_some(KeyCode::ControlLeft));
        let mut send = |key_code: KeyCode, logical_key: BevyKey, state: ButtonState| {
            let window = Entity::PLACEHOLDER;
            let world = self.harness.state_mut().world_mut();
            let (text, repeat) = (None, false);
            world.write_message(KeyboardInput {
                key_code,
                logical_key,
                state,
                text,
                repeat,
                window,
            });
        };
        for key in &held {
            send(*key, BevyKey::Control, ButtonState::Pressed);
        }
        for state in [ButtonState::Pressed, ButtonState::Released] {
            send(code, logical.clone(), state);
        }
        for key in &held {
            send(*key, BevyKey::Control, ButtonState::Released);
        }
        // egui gets the key in the same frame as the application.
        let event = |pressed| egui::Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers,
        };
        let input = self.harness.input_mut();
        match (&logical, modifiers.command) {
            (BevyKey::Character(letter), true) if letter == "c" => {
                input.events.push(egui::Event::Copy);
            }
            (BevyKey::Character(text), false) => {
                input.events.extend([event(true), egui::Event::Text(text.to_string())]);
            }
            _ => input.events.push(event(true)),
        }
        self.harness.step();
        let input = self.harness.input_mut();
        input.events.push(event(false));
        self.settle();
    }

    /// Types lower-case letters.
    fn type_letters(&mut self, letters: &str) {
        for letter in letters.chars() {
            let name = letter.to_ascii_uppercase().to_string();
            self.press(Key::from_name(&name).unwrap());
        }
    }

    /// Clicks the widget whose label contains these words, the first one where there are several.
    #[track_caller]
    fn click(&mut self, words: &str) {
        self.clicks += 1;
        let screen = self.harness.ctx.viewport_rect();
        let mut nodes = self.harness.query_all_by_label_contains(words);
        let Some(node) = nodes.find(|node| screen.contains(node.rect().center())) else {
            panic!("nothing on screen is labelled {words}: {:#?}", self.labels());
        };
        node.click();
        drop(nodes);
        self.settle();
    }

    /// True when a label or text that contains these words is within the window.
    fn shows(&self, words: &str) -> bool {
        let screen = self.harness.ctx.viewport_rect();
        self.harness.root().children_recursive().any(|node| {
            let (label, value) = (node.accesskit_node().label(), node.accesskit_node().value());
            let is_it = label.is_some_and(|it| it.contains(words))
                || value.is_some_and(|it| it.contains(words));
            is_it && screen.contains(node.rect().center())
        })
    }

    fn labels(&self) -> Vec<String> {
        let nodes = self.harness.root().children_recursive();
        nodes.filter_map(|node| node.accesskit_node().label()).collect()
    }

    /// Text that was copied in the frames since the last press of a key or click.
    fn copied(&mut self, act: impl FnOnce(&mut Self)) -> Option<String> {
        self.harness.state_mut().insert_resource(Copied::default());
        act(self);
        self.world().resource::<Copied>().0.clone()
    }
}

/// Text that the panel copied last.
#[derive(Resource, Clone, Debug, Default)]
struct Copied(Option<String>);

/// One frame of the application, with its egui pass.
fn pass(app: &mut App, ctx: &egui::Context) {
    app.update();
    let world = app.world_mut();
    let mut contexts = world.query::<&mut EguiContext>();
    if let Ok(mut context) = contexts.single_mut(world) {
        *context.get_mut() = ctx.clone();
    }
    world.run_schedule(EguiPrimaryContextPass);
    let copied = ctx.output(|output| {
        output.commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
    });
    if copied.is_some() {
        app.insert_resource(Copied(copied));
    }
}

fn receive(app: &mut App, frames: &[String], now: Timestamp) {
    let mut batch = Batch::new(now, true);
    for frame in frames {
        batch.push_text(frame);
    }
    app.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| {});
}

fn bevy_key(key: Key) -> (KeyCode, BevyKey) {
    match key {
        Key::ArrowDown => (KeyCode::ArrowDown, BevyKey::ArrowDown),
        Key::ArrowUp => (KeyCode::ArrowUp, BevyKey::ArrowUp),
        Key::Enter => (KeyCode::Enter, BevyKey::Enter),
        Key::Escape => (KeyCode::Escape, BevyKey::Escape),
        Key::Slash => (KeyCode::Slash, BevyKey::Character("/".into())),
        // Letters are found by the character.
        key => (KeyCode::F24, BevyKey::Character(key.name().to_lowercase().into())),
    }
}
